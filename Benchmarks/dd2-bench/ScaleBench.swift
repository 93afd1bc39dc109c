import ArgumentParser
import Foundation
import Processes
import TensorCore
import XLADevice

/// `dd2-bench scale`: cycles of stage 2 in several processes and on several devices, each with an equal share.
struct ScaleBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scale", abstract: "Time cycles of stage 2 in 1, 2 and 4 processes, and on as many devices.",
    discussion: """
      Each process or device has --batch sequences and, among processes, one thread. 'efficiency' is the time of one over the \
      time of all (weak scaling). 'apart' are processes that exchange nothing: what they lose, the machine loses, such as \
      memory bandwidth. 'sums' is from the start of sums of gradients to their ends, 'waited' what a cycle waited for them. \
      Takes mpirun; devices are those of --device (xla-cpu: virtual ones, which share the processors).
      """)

  @Option(
    help: "Numbers of processes and devices.", transform: { text in text.split(separator: ",").compactMap { Int($0) } })
  var counts = [1, 2, 4]
  @Option(help: "shapes32-var, or a published model.") var model = "shapes32-var"
  @Option(help: "Sequences of each process or device.") var batch = 12
  @Option(help: "Timed cycles, after two that are not.") var cycles = 7
  @Option(help: "The devices; none leaves them out.") var device: BenchDevice?
  @Flag(help: "Print JSON.") var json = false
  @Flag(help: .hidden) var worker = false
  @Option(help: .hidden) var devices = 1

  /// One line of the table.
  struct Row: Codable {
    let kind: String
    let count: Int
    var seconds: Double
    var sumSeconds: Double?
    var waitedSeconds: Double?
    var megabytes: Double?
    var efficiency: Double?
  }

  func validate() throws {
    guard !counts.isEmpty, counts.allSatisfy({ $0 > 0 }), batch > 0, cycles > 0 else {
      throw ValidationError("--counts, --batch and --cycles: numbers above 0")
    }
  }

  func run() throws {
    if worker { return try measure() }
    var rows: [Row] = []
    for count in counts { rows.append(try processes(count)) }
    for count in counts where count > 1 { rows.append(try apart(count)) }
    if device != nil {
      for count in counts { rows.append(try launch(onDevices: count)) }
    }
    for index in rows.indices {
      let alone = rows.first { $0.count == 1 && ($0.kind == "devices") == (rows[index].kind == "devices") }
      rows[index].efficiency = alone.map { $0.seconds / rows[index].seconds }
    }
    try show(rows)
  }

  private func show(_ rows: [Row]) throws {
    if json {
      let encoder = JSONEncoder()
      encoder.keyEncodingStrategy = .convertToSnakeCase
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
      return print(String(decoding: try encoder.encode(rows), as: UTF8.self))
    }
    func text(_ value: Double?, _ digits: Int) -> String { value.map { String(format: "%.\(digits)f", $0) } ?? "" }
    print("\(Backends.cpu.summary); \(model), \(batch) sequences each")
    print("kind,count,cycle_s,sums_s,waited_s,MB,efficiency")
    for row in rows {
      print(
        "\(row.kind),\(row.count),\(text(row.seconds, 3)),\(text(row.sumSeconds, 3)),\(text(row.waitedSeconds, 3)),"
          + "\(text(row.megabytes, 1)),\(text(row.efficiency, 2))")
    }
  }

  // MARK: Starting what is timed

  private static let executable = "/proc/self/exe"

  private var arguments: [String] {
    ["scale", "--worker", "--model", model, "--batch", "\(batch)", "--cycles", "\(cycles)"]
  }

  private func processes(_ count: Int) throws -> Row {
    let own = try FileManager.default.destinationOfSymbolicLink(atPath: Self.executable)
    if count == 1 { return try Self.row(of: start(own, arguments), "processes", 1) }
    let job = start(
      "/usr/bin/env", ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", "\(count)", own] + arguments)
    return try Self.row(of: job, "processes", count)
  }

  /// As many processes at once that know nothing of each other; the slowest one counts.
  private func apart(_ count: Int) throws -> Row {
    let own = try FileManager.default.destinationOfSymbolicLink(atPath: Self.executable)
    let rows = try (0..<count).map { _ in start(own, arguments) }.map { try Self.row(of: $0, "apart", count) }
    return rows.max { $0.seconds < $1.seconds } ?? rows[0]
  }

  private func launch(onDevices count: Int) throws -> Row {
    let own = try FileManager.default.destinationOfSymbolicLink(atPath: Self.executable)
    let started = start(
      own, arguments + ["--devices", "\(count)", "--device", device?.rawValue ?? ""], threads: nil)
    return try Self.row(of: started, "devices", count)
  }

  private func start(_ program: String, _ arguments: [String], threads: Int? = 1) -> (Process, Pipe) {
    let (process, output) = (Process(), Pipe())
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.standardOutput = output
    process.environment = ProcessInfo.processInfo.environment.merging(
      threads.map { [ThreadPool.variable: "\($0)"] } ?? [:]
    ) { $1 }
    do {
      try process.run()
    } catch {
      Bench.answer("\(program): \(error)")
    }
    return (process, output)
  }

  private static func row(of started: (process: Process, output: Pipe), _ kind: String, _ count: Int) throws -> Row {
    let data = started.output.fileHandleForReading.readDataToEndOfFile()
    started.process.waitUntilExit()
    guard started.process.terminationStatus == 0,
      let line = String(decoding: data, as: UTF8.self).split(separator: "\n").last
    else { throw ValidationError("\(kind), \(count): status \(started.process.terminationStatus)") }
    let fields = line.split(separator: ",").compactMap { Double($0) }
    guard fields.count == 4 else { throw ValidationError("\(kind), \(count): '\(line)'") }
    let exchanges = kind == "processes" && count > 1
    return Row(
      kind: kind, count: count, seconds: fields[0], sumSeconds: exchanges ? fields[1] : nil,
      waitedSeconds: exchanges ? fields[2] : nil, megabytes: exchanges ? fields[3] : nil)
  }

  // MARK: What is timed

  /// Times cycles in this process, alone or as one of a job, and has the first process print a line.
  private func measure() throws {
    try Backends.start()
    let job = try JobLaunch().map { try MPIJob($0) { Bench.answer("\($0)") } }
    job.map { Backends.cpu.join($0) }
    if let device { Backends.use(try device.open(.float32, devices: devices)) }
    let teacher = try PublishedModel.teacher(model, seed: 1).teacher
    let stage = try PublishedModel.stage2(
      of: teacher, batch: batch * Backends.current.replicas.count, isPerturbed: true)
    var (times, before) = ([Double](), job?.traffic)
    for cycle in 0..<(cycles + 2) {
      if cycle == 2 { before = job?.traffic }
      let begin = ContinuousClock.now
      _ = try stage.step(cycle).read(step: cycle)
      times.append((ContinuousClock.now - begin) / .seconds(1))
    }
    let sorted = times.dropFirst(2).sorted()
    func each(_ value: (SumTraffic) -> Double) -> Double {
      guard let before, let after = job?.traffic else { return 0 }
      return (value(after) - value(before)) / Double(cycles)
    }
    if job?.rank ?? 0 == 0 {
      let values = [
        sorted[sorted.count / 2], each { $0.underWay / .seconds(1) }, each { $0.waited / .seconds(1) },
        each { Double($0.bytes) / 1e6 },
      ]
      Bench.answer(values.map { String(format: "%.6f", $0) }.joined(separator: ","))
    }
    job?.leave()
  }
}
