"""Causal AVAFN on small corpora of features: a linear front whose evidence the dialogue states weigh by history."""
