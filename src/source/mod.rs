//! Brings a tree from a folder or a git commit.
