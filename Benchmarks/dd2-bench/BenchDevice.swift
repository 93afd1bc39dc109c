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
  func open(_ precision: Precision) throws -> any Backend {
    switch self {
    case .cpu: Backends.cpu
    case .xlaCPU: try XLABackend.open(.cpu, precision: precision)
    case .cuda: try XLABackend.open(.cuda, precision: precision)
    case .rocm: try XLABackend.open(.rocm, precision: precision)
    case .tpu: try XLABackend.open(.tpu, precision: precision)
    }
  }
}
