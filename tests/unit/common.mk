# tests/unit/common
