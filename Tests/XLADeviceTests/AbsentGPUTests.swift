import Foundation
import TensorCore
import Testing

@testable import XLADevice

/// An H100 that is not there: what XLA has to know of one to compile for it.
private let h100 = """
  gpu_device_info {
    threads_per_block_limit: 1024
    threads_per_warp: 32
    shared_memory_per_block: 49152
    shared_memory_per_core: 233472
    threads_per_core_limit: 2048
    core_count: 132
    fpus_per_core: 128
    block_dim_limit_x: 2147483647
    block_dim_limit_y: 65535
    block_dim_limit_z: 65535
    memory_bandwidth: 3352320000000
    l2_cache_size: 52428800
    clock_rate_ghz: 1.98
    device_memory_size: 84942979072
    shared_memory_per_block_optin: 232448
    cuda_compute_capability { major: 9 }
    registers_per_core_limit: 65536
    registers_per_block_limit: 65536
    runtime_version: "13.0.0"
    driver_version: "13.0.0"
  }
  platform_name: "CUDA"
  dnn_version_info { major: 9 minor: 10 patch: 0 }
  device_description_str: "NVIDIA H100 80GB HBM3"
  """

/// Runs where the CUDA plugin is found, not by `DD2_PJRT_PLUGIN`, which may name another, and `ptxas` beside it or on PATH:
/// 'dd2 device install cuda13 --compile-only'. Elsewhere it is disabled, and the test run says so.
@Suite(.enabled(if: AbsentGPU.path != nil && AbsentGPU.hasAssembler, "no CUDA plugin, or no ptxas"))
struct AbsentGPUTests {
  @Test(arguments: [("1x1x1", 1), ("1x8x1", 8)])
  func aProgramIsCompiledForAnH100(topology: String, devices: Int) throws {
    let plugin = try PJRTPlugin(path: #require(AbsentGPU.path))
    let target = try PJRTTopology(plugin, options: ["topology": .text(topology), "target_config": .text(h100)])
    #expect(target.deviceCount == devices)
    let options = CompileOptions(replicas: devices, overrides: ["xla_gpu_enable_triton_gemm": .flag(false)])
    let executable = try target.compile(Program.product(1024, "bf16"), options: options)
    #expect(executable.outputCount == 1)
    let memory = try #require(try executable.memory)
    #expect(memory.arguments == 2 * 1024 * 1024 * 2)
    #expect(memory.outputs == 1024 * 1024 * 2)
    #expect(try executable.serialized().count > 1000)
  }

  /// Products, attention and convolutions with their gradients are taken in every precision.
  @Test(arguments: Precision.allCases) func aStepIsCompiledForAnH100(precision: Precision) throws {
    let plugin = try PJRTPlugin(path: #require(AbsentGPU.path))
    let target = try PJRTTopology(plugin, options: ["topology": "1x1x1", "target_config": .text(h100)])
    let options = CompileOptions(overrides: ["xla_gpu_enable_triton_gemm": .flag(false)])
    let backend = AbsentBackend(target, options: options, precision: precision)
    _ = Backends.$override.withValue(backend) {
      let shapes = [[2, 16, 64], [192, 64], [32, 64, 3, 3]] as [Shape]
      let inputs = shapes.map { Tensor([Float](repeating: 0, count: $0.count), $0).asLeaf() }
      return Backends.step {
        let attended = attention(packed: inputs[0].linear(weight: inputs[1]), heads: 2, scale: 0.5)
        let map = conv2d(attended.reshaped([2, 4, 4, 64]), weight: inputs[2], stride: 2, padding: Padding(1))
        return map.square().sum().gradients(withRespectTo: inputs)
      }
    }
    #expect(backend.failure == nil)
    #expect(backend.compilations.count == 1)
  }

  /// Sums over the devices of one machine and of two.
  @Test(arguments: [("1x8x1", 8), ("2x8x1", 16)])
  func aSumIsCompiledForSeveralH100s(topology: String, devices: Int) throws {
    let plugin = try PJRTPlugin(path: #require(AbsentGPU.path))
    let target = try PJRTTopology(plugin, options: ["topology": .text(topology), "target_config": .text(h100)])
    let backend = AbsentBackend(target, options: CompileOptions(), precision: .float32)
    #expect(backend.replicas.count == devices)
    _ = Backends.$override.withValue(backend) {
      let x = Tensor(perReplica: [Float](repeating: 0, count: 64 * devices), [64])
      return Backends.step { summedOverReplicas([x * 2])[0] }
    }
    #expect(backend.failure == nil)
    let compilation = try #require(backend.compilations.first)
    #expect(compilation.program.cost.reducedBytes == 4 * 64)
    #expect(try #require(compilation.memory).arguments == 4 * 64)
  }

  @Test func aDescriptionThatIsNoneIsAnError() throws {
    let plugin = try PJRTPlugin(path: #require(AbsentGPU.path))
    let error = failure { _ = try PJRTTopology(plugin, options: ["topology": "1x1x1", "target_config": "{"]) }
    #expect(error?.isOneLine == true)
  }

  @Test(.enabled(if: !FileManager.default.fileExists(atPath: "/dev/nvidia0"), "a GPU is here"))
  func withoutAGPUNoClientStarts() throws {
    let plugin = try PJRTPlugin(path: #require(AbsentGPU.path))
    let error = failure { _ = try PJRTClient(plugin) }
    #expect(error?.isOneLine == true && error?.description.contains("GPU") == true)
  }
}

private enum AbsentGPU {
  static let environment = ProcessInfo.processInfo.environment

  static let path: String? = {
    var environment = Self.environment
    environment[PluginSearch.variable] = nil
    return try? PluginSearch(environment: environment).path(of: .cuda)
  }()

  static let hasAssembler: Bool = {
    let packages = (path ?? "").components(separatedBy: "/jax_plugins/")[0]
    let folders = (environment["PATH"] ?? "").components(separatedBy: ":") + ["\(packages)/nvidia/cu13/bin"]
    return folders.contains { FileManager.default.isExecutableFile(atPath: $0 + "/ptxas") }
  }()
}
