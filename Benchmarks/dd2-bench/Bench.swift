import ArgumentParser
import Foundation
import TensorCore

extension TimedTask: ExpressibleByArgument {}

/// Runs what is benchmarked on request, so that a driver can alternate it with its Python twin in one run.
@main
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dd2-bench", abstract: "What the benchmarks time.",
    subcommands: [
      TrainingBench.self, InceptionBench.self, ImageBench.self, CompileBench.self, AgreeBench.self, DeviceBench.self,
      ScaleBench.self, ScalePrediction.self,
    ],
    defaultSubcommand: TrainingBench.self)

  /// A line at once: standard output to a pipe is buffered.
  static func answer(_ line: String) {
    print(line)
    fflush(nil)
  }
}

/// `dd2-bench training`: training steps, on request.
struct TrainingBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "training",
    abstract: "Time stage-2 cycles and teacher training steps of the built-in model, with random weights.",
    discussion: """
      With --export, writes weights, inputs and results of the first steps to a file, then answers each line of \
      standard input, `cycle`, `teacher` or `backend`, with a line: seconds taken, or the backend in words. \
      With --profile, repeats one task and prints its seconds: run it under `perf record`.
      """)

  @Option(help: "Where to write weights, inputs and results (HDF5).") var export: String?
  @Option(help: "Repeat this task instead of serving: cycle or teacher.") var profile: TimedTask?
  @Option(help: "How often --profile repeats.") var count = 8

  func validate() throws {
    guard (export == nil) != (profile == nil) else {
      throw ValidationError("give one of --export FILE and --profile TASK")
    }
    guard count > 0 else { throw ValidationError("--count \(count): expected one or more") }
  }

  func run() throws {
    try Backends.start()
    let workload = try Workload()
    if let profile {
      for _ in 0..<count { print(try seconds(workload, profile)) }
      return
    }
    if let export { try workload.exportFirstSteps(to: export) }
    Bench.answer("ready")
    while let line = readLine() {
      if let task = TimedTask(rawValue: line) {
        Bench.answer(String(try seconds(workload, task)))
      } else if line == "backend" {
        Bench.answer(Backends.current.summary)
      } else {
        throw ValidationError("'\(line)': expected cycle, teacher or backend")
      }
    }
  }

  private func seconds(_ workload: Workload, _ task: TimedTask) throws -> Double {
    let clock = ContinuousClock()
    return try clock.measure { try workload.run(task) } / .seconds(1)
  }
}
