# tests/unit/remote
