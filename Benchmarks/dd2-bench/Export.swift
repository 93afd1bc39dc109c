import Artifacts
import Foundation
import NN
import TensorCore

extension Workload {
  /// Steps of each task whose results are compared: the second one shows that the first one's updates agree.
  static let comparedSteps = 2

  /// Writes the settings, all weights, the inputs of the first steps of both tasks, and, having run these steps, their
  /// results.
  /// - Throws: `ArtifactError`, or what the steps throw.
  func exportFirstSteps(to path: String) throws {
    let writer = try HDF5Writer(path: path)
    try writeSettings(writer)
    try write(teacher.transformer.parameters.stateDict(), to: "weights/teacher", writer)
    try write(stage2.generator.parameters.stateDict(), to: "weights/generator", writer)
    try write(stage2.score.parameters.stateDict(), to: "weights/score", writer)
    try write(teacher.mapState, to: "weights/map", writer)
    try write(StateDict(["embedding": teacher.tokenizer.embedding]), to: "weights", writer)
    let inputs = Inputs(workload: self)
    let first = inputs.update("generator", step: 0)
    if let noise = first["noise"], let labels = first["labels"] {
      let latents = withoutGradient {
        stage2.generator(noise_BLD: noise, labels: IndexTensor(labels.elements.map { Int32($0) }))
      }
      try write(StateDict(["latents": latents]), to: "results", writer)
    }
    for step in 0..<Self.comparedSteps {
      for update in 0..<configuration.scoreUpdates {
        let draws = inputs.update("score", step: step * 1024 + update)
        try write(StateDict(draws), to: "inputs/cycle/\(step)/score/\(update)", writer)
      }
      let draws = inputs.update("generator", step: step)
      try write(StateDict(draws), to: "inputs/cycle/\(step)/generator", writer)
      try write(StateDict(inputs.training(step: step)), to: "inputs/teacher/\(step)", writer)
      for task in TimedTask.allCases {
        for (name, value) in try run(task) {
          try writer.write(HostArray(value), to: "results/\(task.rawValue)/\(step)/\(name)")
        }
      }
    }
    try writer.finish()
  }

  private func writeSettings(_ writer: HDF5Writer) throws {
    func set(_ name: String, _ value: some Encodable) throws {
      try writer.setAttribute(name, .string(String(decoding: try JSONEncoder().encode(value), as: UTF8.self)))
    }
    try set("transformer", teacher.transformer.configuration)
    try set("distillation", configuration)
    try set("training", settings)
  }

  private func write(_ state: StateDict, to group: String, _ writer: HDF5Writer) throws {
    for name in state.names {
      guard let tensor = state[name] else { continue }
      try writer.write(HostArray(shape: tensor.shape.dimensions, tensor.elements), to: "\(group)/\(name)")
    }
  }
}
