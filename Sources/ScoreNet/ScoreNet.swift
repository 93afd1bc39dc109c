// ScoreNet
