import Foundation
import TensorCore
import Testing
import XLADevice

/// Runs tests on XLA's CPU plugin where `DD2_TEST_DEVICE` is `xla-cpu`: the same tests, with the same tolerances, as on the
/// CPU.
public struct OnTestDevice: SuiteTrait, TestTrait, TestScoping {
  public let isRecursive = true

  /// One for all tests, which may share tensors.
  private static let device: Result<XLABackend?, PJRTError> = Result { () throws(PJRTError) in
    ProcessInfo.processInfo.environment["DD2_TEST_DEVICE"] == "xla-cpu" ? try XLABackend.open(.cpu) : nil
  }

  public func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    guard let device = try Self.device.get() else { return try await function() }
    try await Backends.$override.withValue(device, operation: function)
  }
}

extension Trait where Self == OnTestDevice {
  /// See `OnTestDevice`.
  public static var onTestDevice: Self { OnTestDevice() }
}
