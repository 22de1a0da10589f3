//! skipped_cases
