import ArgumentParser
import Foundation
import TensorCore

extension TimedTask: ExpressibleByArgument {}

/// Runs the benchmarked steps on request, so that a driver can alternate them with their PyTorch twins in one run.
@main
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dd2-bench",
    abstract: "Time stage-2 cycles and teacher training steps of the built-in model, with random weights.",
    discussion: """
      With --export, writes weights, inputs and results of the first steps to a file, then answers each line of \
      standard input, `cycle`, `teacher` or `backend`, with a line: seconds taken, or the backend in words. \
      With --profile, repeats one task and prints its seconds: run it under `perf record`.
      """,
    subcommands: [InceptionBench.self])

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
    Self.answer("ready")
    while let line = readLine() {
      if let task = TimedTask(rawValue: line) {
        Self.answer(String(try seconds(workload, task)))
      } else if line == "backend" {
        Self.answer(Backends.current.summary)
      } else {
        throw ValidationError("'\(line)': expected cycle, teacher or backend")
      }
    }
  }

  /// A line at once: standard output to a pipe is buffered.
  static func answer(_ line: String) {
    print(line)
    fflush(nil)
  }

  private func seconds(_ workload: Workload, _ task: TimedTask) throws -> Double {
    let clock = ContinuousClock()
    return try clock.measure { try workload.run(task) } / .seconds(1)
  }
}
