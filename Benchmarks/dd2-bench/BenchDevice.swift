import ArgumentParser
import TensorCore
import XLADevice

/// What a benchmark computes on: `--device` as dd2 has it.
enum BenchDevice: String, CaseIterable, ExpressibleByArgument {
  case cpu
  case xlaCPU = "xla-cpu"
  case cuda, rocm, tpu

  /// The backend of as many devices.
  /// - Throws: `PJRTError` where there is no plugin, or it finds no device.
  func open(_ precision: Precision, devices: Int = 1) throws -> any Backend {
    switch self {
    case .cpu: Backends.cpu
    case .xlaCPU: try XLABackend.open(.cpu, devices: devices, precision: precision)
    case .cuda: try XLABackend.open(.cuda, devices: devices, precision: precision)
    case .rocm: try XLABackend.open(.rocm, devices: devices, precision: precision)
    case .tpu: try XLABackend.open(.tpu, devices: devices, precision: precision)
    }
  }
}
