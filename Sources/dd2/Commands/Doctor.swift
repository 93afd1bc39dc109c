import ArgumentParser

/// `dd2 doctor`: what dd2 finds on this machine, and what to do where something is missing or slow.
struct Doctor: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Check what dd2 needs on this machine, and what keeps it from being fast.",
    discussion: """
      Example: dd2 doctor

      A line for each check: ok; note, where something is slower than it could be or only some commands lack it; wrong, \
      where something does not work, which makes the exit code 69. Notes and faults end in what to do.
      """)

  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    let findings = DoctorChecks.findings(.survey())
    if json {
      try Console.result(json: findings)
    } else {
      let rows = findings.map { [$0.verdict.rawValue, $0.check, $0.found + ($0.advice.map { "; " + $0 } ?? "")] }
      try Console.result(TextTable(rows).description)
    }
    let wrong = findings.filter { $0.verdict == .wrong }.map(\.check)
    guard wrong.isEmpty else {
      throw CommandFailure(.unavailable, "not in order: \(wrong.joined(separator: ", ")); see the lines marked wrong")
    }
  }
}
