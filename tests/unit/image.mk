# tests/unit/image
