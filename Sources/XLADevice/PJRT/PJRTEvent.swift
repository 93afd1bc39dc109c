import CPJRT

/// The end of something that the device does meanwhile: a copy, the run of a program.
public final class PJRTEvent: @unchecked Sendable {
  // Unchecked: PJRT's events may be awaited from any thread.
  private let handle: OpaquePointer
  private let client: PJRTClient
  private let action: String

  /// Takes over a handle. `action` names what is waited for, where it fails.
  init(_ client: PJRTClient, _ handle: OpaquePointer, _ action: String) {
    self.client = client
    self.handle = handle
    self.action = action
  }

  deinit { dd2_pjrt_event_destroy(client.plugin.handle, handle) }

  /// Waits until it is done. Throws `PJRTError.failed` where it failed.
  public func wait() throws(PJRTError) {
    try attempt(action) { dd2_pjrt_event_wait(client.plugin.handle, handle, $0) }
  }
}
