import Backbone
import DD2Generator
import DD2Teacher
import NN
import ScoreNet
import TensorCore

/// Builds the two student networks of a teacher.
struct StudentFactory {
  let teacher: any Teacher
  let head: DenoisingHeadConfiguration
  var adaptation = GeneratorAdaptation()
  /// What new weights are drawn from; nil leaves them unset, for networks that are loaded whole before they are used.
  let seed: UInt64?

  /// The same students with their weights unset.
  var unset: StudentFactory { StudentFactory(teacher: teacher, head: head, adaptation: adaptation, seed: nil) }

  /// A score network whose trunk, and classifier if its head has one, have the teacher's weights; the rest is new.
  func scoreNetwork() throws -> ScoreNetwork {
    precondition(seed != nil, "StudentFactory.scoreNetwork: the head's new weights want a seed")
    let network = try newScoreNetwork()
    let classifier = "head." + DenoisingHead.classifierName
    var state = network.parameters.stateDict { $0.hasPrefix("head.") && !$0.hasPrefix(classifier + ".") }
    if head.estimate == .posterior { state = state.merging(teacher.classifierState.addingPrefix(classifier)) }
    try network.parameters.load(state.merging(teacher.trunkState.addingPrefix("trunk")))
    return network
  }

  /// A score network with new weights, or without a seed with unset ones.
  func newScoreNetwork() throws -> ScoreNetwork {
    try ScoreNetwork(
      trunk: teacher.trunkConfiguration, head: head, codebook: teacher.codebook,
      mapState: teacher.mapState, seed: seed)
  }

  /// A generator with new weights, or without a seed with unset ones; load some.
  func generator() throws -> OneStepGenerator {
    try OneStepGenerator(
      trunk: teacher.trunkConfiguration, head: head, codebook: teacher.codebook,
      mapState: teacher.mapState, adaptation: adaptation, seed: seed)
  }
}

extension StudentFactory {
  /// The students of a run.
  init(teacher: any Teacher, _ configuration: DistillationConfiguration) {
    self.init(
      teacher: teacher, head: configuration.head, adaptation: configuration.adaptation, seed: configuration.seed)
  }
}
