//! Reading import files, line by line.
