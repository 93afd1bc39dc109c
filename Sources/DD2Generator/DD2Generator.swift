// DD2Generator
