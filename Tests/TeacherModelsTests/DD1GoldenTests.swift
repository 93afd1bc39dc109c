import TensorCore
import TestSupport
import Testing

@testable import TeacherModels

@Suite("DD1 against recorded reference outputs", .onTestDevice) struct DD1GoldenTests {
  @Test(arguments: DD1Golden.allCases) func callsSequencesAndImagesMatch(_ golden: DD1Golden) throws {
    let generator = try golden.generator()
    let labels = try Goldens.indices(golden.file, "labels")
    func error(_ actual: Tensor, _ name: String) throws -> Float { relativeToLargest(actual, try golden.tensor(name)) }

    let noise = try golden.tensor("noise")
    let second = generator.network.layout.stages[generator.configuration.second].lowerBound
    for (call, input, known) in [("call0", noise, 0), ("call1", try golden.tensor("call1/input"), second)] {
      let drawn = generator.network(latents_BLD: input, known: known, labels: labels)
      #expect(try error(drawn.latents_BLD, "\(call)/latents") < 1e-4, "\(call)")
      #expect(try error(drawn.logits_BLV, "\(call)/logits") < 1e-4, "\(call)")
    }
    for (calls, name) in [(1, "one"), (2, "two")] {
      let sequence = generator.sequence(noise_BLD: noise, labels: labels, starts: generator.starts(calls: calls))
      #expect(try error(sequence, "\(name)/sequence") < 1e-4, "\(name)")
      let images = try generator.decode(sequence)
      #expect(try error(images.channelsFirst, "\(name)/images") < 1e-3, "\(name)")
    }
  }
}
