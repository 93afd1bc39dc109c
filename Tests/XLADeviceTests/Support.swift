import Foundation
import TensorCore

@testable import XLADevice

/// XLA's plugin for processors. Tests of programs run where it is found: 'dd2 device install cpu', or
/// `DD2_PJRT_PLUGIN` set to its file. Where it is not, they are disabled, and the test run says so.
enum CPUPlugin {
  static let path = try? PluginSearch().path(of: .cpu)
  static let isFound = path != nil

  static func open() throws -> PJRTPlugin { try PJRTPlugin(path: PluginSearch().path(of: .cpu)) }

  /// One client for most tests: starting one takes a while.
  static let shared = Result { try PJRTClient(open()) }

  static func client() throws -> PJRTClient { try shared.get() }
}

/// Programs in StableHLO.
enum Program {
  /// `name` of two arrays of a type such as `2x3xf32`, element by element.
  static func binary(_ name: String, _ type: String, attributes: String = "") -> String {
    """
    module @test {
      func.func public @main(%a: tensor<\(type)>\(attributes), %b: tensor<\(type)>) -> tensor<\(type)> {
        %0 = stablehlo.\(name) %a, %b : tensor<\(type)>
        return %0 : tensor<\(type)>
      }
    }
    """
  }

  /// A product of two matrices after a sine, so that there is something between arguments and result.
  static func product(_ size: Int, _ type: String = "f32") -> String {
    let type = "tensor<\(size)x\(size)x\(type)>"
    return """
      module @product {
        func.func public @main(%a: \(type), %b: \(type)) -> \(type) {
          %0 = stablehlo.sine %a : \(type)
          %1 = stablehlo.dot_general %0, %b, contracting_dims = [1] x [0] : (\(type), \(type)) -> \(type)
          return %1 : \(type)
        }
      }
      """
  }
}

/// The error that `body` throws.
func failure(_ body: () throws -> Void) -> PJRTError? {
  do {
    try body()
    return nil
  } catch {
    return error as? PJRTError
  }
}

extension PJRTError {
  var isOneLine: Bool { !description.contains("\n") && !description.contains("===") && !description.isEmpty }
}
