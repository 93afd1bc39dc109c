import ArgumentParser
import Foundation
import TensorCore
import XLADevice

/// `dd2-bench predict`: how well a cycle of stage 2 would scale over GPUs that are not there.
struct ScalePrediction: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict", abstract: "Predict the efficiency of many GPUs from a cycle's counted costs.",
    discussion: """
      A GPU's share of each batch stays the same (weak scaling). Arithmetic, memory traffic and bytes that are added up are \
      counted from the programs; assumed are an H100's rates, of which --reached is reached, and the networks' bandwidths. \
      Sums go round a ring within each machine and, cut into as many parts, between the machines. Efficiency is given for sums \
      that nothing overlaps with, and for those that overlap with the backward pass, two thirds of an update.
      """)

  @Option(help: "A published model, such as var-d16.") var model = "var-d16"
  @Option(help: "Sequences of a GPU's share of each batch.") var batch = 32
  @Option(help: "The part of an H100's rates that is reached.") var reached = 0.5
  @Flag(help: "Blocks compute what their gradients need again (memory.recompute).") var recompute = false
  @Flag(help: "Print JSON.") var json = false

  private static let precision = Precision.bfloat16
  private static let scoreUpdates = 4.0
  private static let gpusOfMachine = 8
  /// Bytes a second that a GPU sends to its neighbour over NVLink: nine tenths of 450 GB/s.
  private static let nvlink = 405e9
  /// Gbit/s of a machine's network, of which nine tenths carry data.
  private static let networks = [100.0, 400.0]
  /// The part of an update that is its backward pass.
  private static let backward = 2.0 / 3

  struct Row: Encodable {
    let model: String
    let gpus: Int
    let gigabitsPerSecond: Double
    let computeSeconds: Double
    let sumSeconds: Double
    let efficiencyWithoutOverlap: Double
    let efficiencyWithOverlap: Double
  }

  func validate() throws {
    guard batch > 0, 0 < reached, reached <= 1 else { throw ValidationError("--batch: above 0; --reached: 0 to 1") }
  }

  func run() throws {
    let backend = CostBackend()
    try Backends.$override.withValue(backend) {
      try PublishedModel.makeRound(model, batch: 2 * batch, microBatch: 0, levels: 4, recompute: recompute)
    }
    // One update of the score network, one of the generator.
    let (score, generator) = (backend.costs[0], backend.costs[1])
    let rows = Self.networks.flatMap { network in
      [8, 16, 32, 64].map { row(gpus: $0, network: network, score: score, generator: generator) }
    }
    if json {
      let encoder = JSONEncoder()
      encoder.keyEncodingStrategy = .convertToSnakeCase
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
      return print(String(decoding: try encoder.encode(rows), as: UTF8.self))
    }
    print("model,gpus,gbit_s,compute_s,sums_s,efficiency_without_overlap,efficiency_with_overlap")
    for row in rows {
      print(
        "\(row.model),\(row.gpus),\(Int(row.gigabitsPerSecond)),"
          + String(
            format: "%.3f,%.3f,%.2f,%.2f", row.computeSeconds, row.sumSeconds, row.efficiencyWithoutOverlap,
            row.efficiencyWithOverlap))
    }
  }

  private func row(gpus: Int, network: Double, score: ProgramCost, generator: ProgramCost) -> Row {
    let roofline = Roofline(Self.precision)
    func compute(_ cost: ProgramCost) -> Double { roofline.seconds(cost) / reached }
    func sum(_ cost: ProgramCost) -> Double {
      let machines = Double(max(1, gpus / Self.gpusOfMachine))
      let within = 2.0 * Double(Self.gpusOfMachine - 1) / Double(Self.gpusOfMachine) / Self.nvlink
      let between = 2 * (machines - 1) / machines / (network * 0.9 / 8 * 1e9)
      return Double(cost.reducedBytes) * (within + between)
    }
    func left(_ cost: ProgramCost) -> Double { max(0, sum(cost) - Self.backward * compute(cost)) }
    func cycle(_ seconds: (ProgramCost) -> Double) -> Double { Self.scoreUpdates * seconds(score) + seconds(generator) }
    let computing = cycle(compute)
    return Row(
      model: model, gpus: gpus, gigabitsPerSecond: network, computeSeconds: computing, sumSeconds: cycle(sum),
      efficiencyWithoutOverlap: computing / (computing + cycle(sum)),
      efficiencyWithOverlap: computing / (computing + cycle(left)))
  }
}

/// Counts what the programs of steps cost, as one of two replicas, and computes nothing.
private final class CostBackend: LazyBackend<Void>, @unchecked Sendable {
  private(set) var costs: [ProgramCost] = []

  override var summary: String { "a device that is not there" }
  override var imagesAtOnce: Int { 64 }
  override var replicas: Replicas { Replicas(count: 2, here: 0..<1) }

  override func execute(_ program: StepProgram, _ arguments: [Void], isStep: Bool) -> [Void] {
    if isStep { costs.append(program.cost) }
    return program.outputs.map { _ in () }
  }

  override func buffer(_ elements: [Float], _ shape: Shape) {}
  override func buffer(_ elements: [Int32], _ shape: Shape) {}
  override func floats(of buffer: Void, count: Int) -> [Float] { [Float](repeating: 0, count: count) }
  override func integers(of buffer: Void, count: Int) -> [Int32] { [Int32](repeating: 0, count: count) }
}
