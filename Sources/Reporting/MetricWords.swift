/// What the metrics of `metrics.jsonl` are, in words.
enum MetricWords {
  private static let all: [(name: String, about: String)] = [
    ("fid", "FID of the averaged generator"),
    ("fid_raw", "FID of the generator as trained"),
    ("teacher_fid", "FID of the teacher, on as many images"),
    ("fcs", "the score network's denoising error on generated tokens"),
    ("score_difference", "mean distance of the teacher's score and the score network's"),
    ("teacher_nll", "the teacher's negative log-likelihood of generated tokens, nats"),
    ("teacher_entropy", "the teacher's entropy on generated prefixes, nats"),
    ("token_entropy", "entropy of a batch's token frequencies; a drop is a loss of diversity"),
    ("code_distance", "distance of an output to its nearest code"),
    ("outside_support", "share of tokens that the guided teacher never draws"),
    ("csd", "the generator's loss; its sign and size say little"),
    ("regression", "squared distance to the pairs' tokens"),
    ("cross_entropy", "of the pairs' tokens, nats"),
    ("token_accuracy", "share of the pairs' tokens that are met"),
    ("gts", "squared distance to the teacher's posterior mean"),
    ("fcs_floor", "denoising error of the teacher's posterior mean itself"),
    ("generator_gradient_norm", "norm of the generator's gradient"),
    ("score_gradient_norm", "norm of the score network's gradient"),
    ("gradient_norm", "norm of the gradient"),
  ]

  /// Those that people look at first come first.
  static let order = all.map(\.name)
  static let about = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0.about) })
}
