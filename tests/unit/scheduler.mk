# tests/unit/scheduler
