import CPJRT
import Foundation

/// A plugin: the shared library that compiles and runs programs on one kind of device. It stays open as long as the
/// process.
public final class PJRTPlugin: @unchecked Sendable {
  // Unchecked: the plugin's table of functions never changes, and its functions may be called from any thread.
  let handle: OpaquePointer

  /// Where the plugin is.
  public let path: String

  /// Opens a plugin. Throws `PJRTError.cannotOpen` where no file is there, or it is no plugin or of another major version.
  public init(path: String) throws(PJRTError) {
    var handle: OpaquePointer?
    CUDAToolkit.use(besidePlugin: path)
    do {
      try attempt("opening") { dd2_pjrt_open(path, &handle, $0) }
      self.handle = try given(handle, "opening")
    } catch .failed(_, _, let detail) {
      // The loader's text begins with the path, which the error names already.
      let prefix = path + ": "
      throw .cannotOpen(path: path, detail: detail.hasPrefix(prefix) ? String(detail.dropFirst(prefix.count)) : detail)
    }
    self.path = path
  }

  /// The version of the PJRT API that the plugin was built for.
  public var apiVersion: (major: Int, minor: Int) {
    var (major, minor): (Int32, Int32) = (0, 0)
    dd2_pjrt_version(handle, &major, &minor)
    return (Int(major), Int(minor))
  }

  /// What the plugin says of itself, such as `xla_version` and `stablehlo_current_version`.
  public var attributes: [String: PJRTValue] {
    get throws(PJRTError) {
      var (values, count): (OpaquePointer?, Int) = (nil, 0)
      try attempt("reading the plugin's attributes") { dd2_pjrt_attributes(handle, &values, &count, $0) }
      return PJRTValue.dictionary(values, count)
    }
  }
}
