# tests/unit/shadow
