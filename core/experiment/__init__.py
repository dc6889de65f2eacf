"""The paper's question, asked of a corpus: folds, models, statistics, tables."""
