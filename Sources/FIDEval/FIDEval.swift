// FIDEval
