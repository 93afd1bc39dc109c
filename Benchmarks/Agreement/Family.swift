import TensorCore

/// The families of operations; each has an example for every kernel, forward and backward.
public enum Family: String, CaseIterable, Sendable {
  case elementwise, movement, integers, products, softmaxes, norms, attentions, featureMaps, posteriors, random,
    choices,
    updates

  /// The family's operations with their tolerances.
  public var examples: [Example] {
    switch self {
    case .elementwise: Self.elementwiseExamples
    case .movement: Self.movementExamples
    case .integers: Self.integerExamples
    case .products: Self.productExamples
    case .softmaxes: Self.softmaxExamples
    case .norms: Self.normExamples
    case .attentions: Self.attentionExamples
    case .featureMaps: Self.featureMapExamples
    case .posteriors: Self.posteriorExamples
    case .random: Self.randomExamples
    case .choices: Self.choiceExamples
    case .updates: Self.updateExamples
    }
  }
}
