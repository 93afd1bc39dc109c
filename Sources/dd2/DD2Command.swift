import ArgumentParser
import Datasets
import Distillation
import Foundation
import TensorCore

@main struct DD2: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "dd2", subcommands: [Train.self])
}

struct Train: ParsableCommand {
  @Option var folder = "runs/teacher"
  @Option var tokenizerSteps = 1400
  @Option var transformerSteps = 2200
  @Option var seed: UInt64 = 1

  func run() throws {
    try Backends.start()
    let configuration = TeacherTrainingConfiguration(
      tokenizerSteps: tokenizerSteps, transformerSteps: transformerSteps, seed: seed)
    let begin = Date()
    let pipeline = TeacherPipeline(
      configuration, folder: folder, command: CommandLine.arguments.joined(separator: " "), interrupt: InterruptFlag()
    ) { event in
      switch event {
      case .step(let stage, let completed, let total, let metrics):
        if completed % 20 == 0 || completed < 4 {
          let text = metrics.map { "\($0.0) \(String(format: "%.4g", $0.1))" }.joined(separator: " ")
          print(String(format: "%.1f", Date().timeIntervalSince(begin)), stage, "\(completed)/\(total)", text)
          fflush(nil)
        }
      default: print(event)
      }
    }
    _ = try pipeline(data: Shapes32(.train))
  }
}
