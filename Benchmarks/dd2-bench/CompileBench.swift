import ArgumentParser
import Foundation
import TensorCore
import XLADevice

/// `dd2-bench compile`: a round of stage 2 of a published model, compiled for a GPU that is not there.
struct CompileBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compile",
    abstract: "Compile a round of stage 2 for GPUs that are not there, and print what it needs.",
    discussion: "Takes the CUDA plugin and ptxas: see scripts/compile-for-gpu.sh.")

  @Option(help: "A published model: var-d16, var-d20, var-d24, llamagen-b-256, llamagen-l-256.") var model = "var-d16"
  @Option(help: "Sequences that go through a device's networks at once.") var batch = 8
  @Option(help: "Devices that share an update; at most 8 are in one machine.") var devices = 1
  @Option(help: "Passes in which a device's share goes through the networks (memory.micro_batch).") var passes = 1
  @Option(help: "Noise levels per token.") var levels = 4
  @Flag(help: "Blocks compute what their gradients need again (memory.recompute).") var recompute = false
  @Option(help: "What networks are multiplied in.") var precision = Precision.float32
  @Option(help: "A text that describes the GPU (XLA's GpuTargetConfigProto).") var target: String

  func run() throws {
    let plugin = try PJRTPlugin(path: PluginSearch().path(of: .cuda))
    let description = try String(contentsOfFile: target, encoding: .utf8)
    let topology = try PJRTTopology(
      plugin, options: ["topology": .text(Self.topology(of: devices)), "target_config": .text(description)])
    // Without a device nothing can be tried out, which Triton's products want.
    let options = CompileOptions(overrides: ["xla_gpu_enable_triton_gemm": .flag(false)])
    let backend = AbsentBackend(topology, options: options, precision: precision)
    try Backends.$override.withValue(backend) {
      try PublishedModel.makeRound(
        model, batch: batch * devices * passes, microBatch: passes > 1 ? batch : 0, levels: levels, recompute: recompute
      )
    }
    if let failure = backend.failure { throw failure }
    print(
      "model,precision,devices,batch,levels,operations,compile_s,arguments_GiB,temporary_GiB,aliased_GiB,product_TFLOP,"
        + "other_TFLOP,least_GB,least_ms,reduced_GB")
    let roofline = Roofline(precision)
    for compilation in backend.compilations {
      func gigabytes(_ bytes: Int?) -> String {
        bytes.map { String(format: "%.2f", Double($0) / Double(1 << 30)) } ?? ""
      }
      let (memory, cost) = (compilation.memory, compilation.program.cost)
      print(
        [
          model, precision.rawValue, String(devices), String(batch), String(levels),
          String(compilation.program.instructions.count),
          String(format: "%.1f", compilation.seconds), gigabytes(memory?.arguments), gigabytes(memory?.temporary),
          gigabytes(memory?.aliased), String(format: "%.3f", Double(cost.productFLOPs) / 1e12),
          String(format: "%.3f", Double(cost.otherFLOPs) / 1e12), String(format: "%.2f", roofline.bytes(cost) / 1e9),
          String(format: "%.2f", roofline.seconds(cost) * 1e3), String(format: "%.3f", Double(cost.reducedBytes) / 1e9),
        ].joined(separator: ","))
    }
  }

  /// Machines, devices of each, and partitions, as XLA writes them.
  private static func topology(of devices: Int) throws -> String {
    let each = min(8, devices)
    guard devices > 0, devices % each == 0 else {
      throw ValidationError("--devices \(devices): give 1 to 8, or a multiple of 8")
    }
    return "\(devices / each)x\(each)x1"
  }
}

extension Precision: ExpressibleByArgument {}
