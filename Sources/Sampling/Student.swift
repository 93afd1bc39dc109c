import Backbone
import DD2Generator
import DD2Teacher
import NN
import ScoreNet
import TensorCore

/// Builds the two student networks of a teacher.
package struct StudentFactory {
  package let teacher: any Teacher
  package let head: DenoisingHeadConfiguration
  package let adaptation: GeneratorAdaptation
  /// What new weights are drawn from; nil leaves them unset, for networks that are loaded whole before they are used.
  package let seed: UInt64?

  package init(
    teacher: any Teacher, head: DenoisingHeadConfiguration, adaptation: GeneratorAdaptation = GeneratorAdaptation(),
    seed: UInt64?
  ) {
    self.teacher = teacher
    self.head = head
    self.adaptation = adaptation
    self.seed = seed
  }

  /// The same students with their weights unset.
  package var unset: StudentFactory { StudentFactory(teacher: teacher, head: head, adaptation: adaptation, seed: nil) }

  /// A score network whose trunk, and classifier if its head has one, have the teacher's weights; the rest is new.
  package func scoreNetwork() throws -> ScoreNetwork {
    precondition(seed != nil, "StudentFactory.scoreNetwork: the head's new weights want a seed")
    let network = try newScoreNetwork()
    let classifier = "head." + DenoisingHead.classifierName
    var state = network.parameters.stateDict { $0.hasPrefix("head.") && !$0.hasPrefix(classifier + ".") }
    if head.estimate == .posterior { state = state.merging(teacher.classifierState.addingPrefix(classifier)) }
    try network.parameters.load(state.merging(teacher.trunkState.addingPrefix("trunk")))
    return network
  }

  /// A score network with new weights, or without a seed with unset ones.
  package func newScoreNetwork() throws -> ScoreNetwork {
    try ScoreNetwork(
      trunk: teacher.trunkConfiguration, head: head, codebook: teacher.codebook,
      mapState: teacher.mapState, seed: seed)
  }

  /// A generator with new weights, or without a seed with unset ones; load some.
  package func generator() throws -> OneStepGenerator {
    try OneStepGenerator(
      trunk: teacher.trunkConfiguration, head: head, codebook: teacher.codebook,
      mapState: teacher.mapState, adaptation: adaptation, seed: seed)
  }
}
