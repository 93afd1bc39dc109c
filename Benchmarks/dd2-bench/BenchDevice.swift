import ArgumentParser
import TensorCore
import XLADevice

/// What a benchmark computes on: `--device` as dd2 has it.
enum BenchDevice: String, CaseIterable, ExpressibleByArgument {
  case cpu
  case xlaCPU = "xla-cpu"
  case cuda, rocm, tpu

  /// The device's backend.
  /// - Throws: `PJRTError` where there is no plugin, or it finds no device.
  func open() throws -> any Backend {
    switch self {
    case .cpu: Backends.cpu
    case .xlaCPU: try XLABackend.open(.cpu)
    case .cuda: try XLABackend.open(.cuda)
    case .rocm: try XLABackend.open(.rocm)
    case .tpu: try XLABackend.open(.tpu)
    }
  }
}
