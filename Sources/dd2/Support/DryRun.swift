import Distillation
import Foundation
import TensorCore
import XLADevice

/// `dd2 distill --dry-run`: what a run would do and take.
struct DryRun {
  private let request: DistillationRequest

  init(_ request: DistillationRequest) { self.request = request }

  func show() throws {
    let settings = request.record.settings
    try Console.result("SETTINGS")
    try Console.result(TextTable(settings.texts.map { [$0.path, $0.text] }).description)
    Log.info("trying two updates")
    let available = ProcessMemory.availableBytes
    let trial = try DistillationTrial(settings, teacher: request.teacher)
    try Console.result("\nPARAMETERS")
    try Console.result(TextTable(trial.networks.map { [$0.name, Self.grouped($0.parameters)] }).description)
    if let device = Backends.current as? XLABackend {
      try Console.result("\n" + Self.memory(of: device))
    } else {
      let room = available.map { "; \(Self.gigabytes($0)) available" } ?? ""
      try Console.result("\nMEMORY of an update: \(Self.gigabytes(trial.bytes))\(room)")
    }
    let parts = [
      trial.scoreSeconds.map { String(format: "score network %.2f s", $0) },
      String(format: "generator %.2f s", trial.generatorSeconds),
    ].compactMap { $0 }
    let share = settings.batch / Backends.current.replicas.count
    let note = trial.triedPass < share ? " (from passes of \(trial.triedPass) sequences)" : ""
    try Console.result("TIME of an update: \(parts.joined(separator: ", "))\(note)")
    let rows = trial.stages.map { stage, seconds in
      [stage.name, "\(stage.steps)", ProgressMeter.duration(seconds)]
    }
    let total = trial.stages.reduce(0) { $0 + $1.seconds }
    try Console.result("\nTIME of the run, about, without FID")
    try Console.result(
      TextTable([["STAGE", "STEPS", "TIME"]] + rows + [["in all", "", ProgressMeter.duration(total)]]).description)
    if let available, trial.bytes > available, Backends.current === Backends.cpu {
      Log.warning(
        "the run needs more memory than there is; give a smaller --batch, or --set memory.micro_batch=N and memory.recompute=true"
      )
    }
  }

  /// What the compiled programs say, and the device where it does.
  private static func memory(of device: XLABackend) -> String {
    var lines: [String] = []
    if let program = device.largestProgram {
      lines.append(
        "MEMORY of the largest program\(device.replicas.count > 1 ? ", on each device" : ""): \(gigabytes(program.total)), of which weights, optimiser and other inputs "
          + "\(gigabytes(program.arguments)), what is computed on the way \(gigabytes(program.temporary))")
    }
    if let memory = device.deviceMemory, let peak = memory.peak {
      let limit = memory.limit.map { " of \(gigabytes($0))" } ?? ""
      lines.append("MEMORY of the device: \(gigabytes(peak))\(limit) at most so far")
    }
    return lines.isEmpty ? "MEMORY: the plugin does not say" : lines.joined(separator: "\n")
  }

  private static func gigabytes(_ bytes: Int) -> String { String(format: "%.2f GB", Double(bytes) / 1e9) }

  /// A number with commas between thousands.
  static func grouped(_ number: Int) -> String {
    let digits = Array(String(number))
    return digits.indices.map { ($0 > 0 && (digits.count - $0) % 3 == 0 ? "," : "") + String(digits[$0]) }.joined()
  }
}
