import CPJRT
import Foundation

/// Element types of arrays on a device, numbered as plugins do.
public enum PJRTElementType: Int32, Equatable, Sendable {
  /// True or false, a byte each.
  case pred = 1
  /// Signed integers of 32 bits.
  case int32 = 4
  /// Unsigned integers of 32 bits.
  case uint32 = 8
  /// Numbers of 32 bits.
  case float32 = 11
  /// Numbers of 16 bits, the upper half of a float32.
  case bfloat16 = 13

  /// Bytes of an element on the host.
  public var byteCount: Int {
    switch self {
    case .pred: 1
    case .bfloat16: 2
    case .int32, .uint32, .float32: 4
    }
  }
}

/// Types of the host whose memory is that of an element on the device.
public protocol PJRTElement: BitwiseCopyable {
  /// The element type on the device.
  static var elementType: PJRTElementType { get }
  /// What elements are before they are set.
  init()
}

extension Float: PJRTElement {
  public static var elementType: PJRTElementType { .float32 }
}
extension Int32: PJRTElement {
  public static var elementType: PJRTElementType { .int32 }
}
extension UInt32: PJRTElement {
  public static var elementType: PJRTElementType { .uint32 }
}
extension Bool: PJRTElement {
  public static var elementType: PJRTElementType { .pred }
}

/// An array on a device, or one that is being computed there.
public final class PJRTBuffer: @unchecked Sendable {
  // Unchecked: PJRT's buffers may be used from any thread; what one thread deletes is an error to the others.
  let handle: OpaquePointer
  /// What the buffer belongs to.
  public let client: PJRTClient

  /// Takes over a handle.
  init(_ client: PJRTClient, _ handle: OpaquePointer) {
    self.client = client
    self.handle = handle
  }

  deinit { dd2_pjrt_buffer_destroy(client.plugin.handle, handle) }

  /// Element type and extents.
  /// - Throws: `PJRTError.failed`, also where the type is none of `PJRTElementType`.
  public var type: (element: PJRTElementType, shape: [Int]) {
    get throws(PJRTError) {
      var (element, extents, rank): (Int32, UnsafePointer<Int64>?, Int) = (0, nil, 0)
      try attempt("describing an array") {
        dd2_pjrt_buffer_type(client.plugin.handle, handle, &element, &extents, &rank, $0)
      }
      guard let type = PJRTElementType(rawValue: element) else {
        throw .failed(action: "describing an array", code: .unusable, detail: "unknown element type \(element)")
      }
      return (type, UnsafeBufferPointer(start: extents, count: rank).map { Int($0) })
    }
  }

  /// Bytes on the device, with what its layout adds.
  public var bytesOnDevice: Int {
    get throws(PJRTError) {
      var bytes = 0
      try attempt("measuring an array") { dd2_pjrt_buffer_size(client.plugin.handle, handle, &bytes, $0) }
      return bytes
    }
  }

  /// Whether the memory is gone: by `delete`, or donated to a program.
  public var isDeleted: Bool {
    get throws(PJRTError) {
      var isDeleted = false
      try attempt("looking at an array") {
        dd2_pjrt_buffer_is_deleted(client.plugin.handle, handle, &isDeleted, $0)
      }
      return isDeleted
    }
  }

  /// Gives the memory back as soon as no running program uses it. The last reference's end does so too.
  public func delete() throws(PJRTError) {
    try attempt("deleting an array") { dd2_pjrt_buffer_delete(client.plugin.handle, handle, $0) }
  }

  /// Begins to copy the elements, dense and row-major, to memory of the host, which must stay until the event.
  /// - Throws: `PJRTError.failed`, as where the array is deleted or the memory too small.
  public func copy(to memory: UnsafeMutableRawBufferPointer) throws(PJRTError) -> PJRTEvent {
    let action = "copying an array from \(client.platformName)"
    var event: OpaquePointer?
    try attempt(action) {
      dd2_pjrt_buffer_read(client.plugin.handle, handle, memory.baseAddress, memory.count, &event, $0)
    }
    return PJRTEvent(client, try given(event, action), action)
  }

  /// Waits for the elements and copies them to the host. The array's type must be that of `Element`.
  /// - Throws: `PJRTError.failed`, also where what computes the array failed.
  public func elements<Element: PJRTElement>(as: Element.Type = Element.self) throws(PJRTError) -> [Element] {
    let (type, shape) = try type
    precondition(type == Element.elementType, "an array of \(type) read as \(Element.elementType)")
    var elements = [Element](repeating: Element(), count: shape.reduce(1, *))
    // Calls with closures of the standard library throw no typed errors.
    try elements.withUnsafeMutableBytes { bytes in
      Result { () throws(PJRTError) in try copy(to: bytes).wait() }
    }.get()
    return elements
  }

  /// Waits for the elements and copies their bytes to the host.
  /// - Throws: `PJRTError.failed`, also where what computes the array failed.
  public var bytes: [UInt8] {
    get throws(PJRTError) {
      let (type, shape) = try type
      var bytes = [UInt8](repeating: 0, count: shape.reduce(type.byteCount, *))
      try bytes.withUnsafeMutableBytes { bytes in
        Result { () throws(PJRTError) in try copy(to: bytes).wait() }
      }.get()
      return bytes
    }
  }
}

extension PJRTClient {
  /// Copies elements to a device.
  /// - Parameters:
  ///   - bytes: the elements, dense and row-major; not needed afterwards.
  ///   - device: one of the client's; nil for its first.
  /// - Throws: `PJRTError.failed`, as where the device has no memory left.
  public func upload(
    bytes: UnsafeRawBufferPointer, _ type: PJRTElementType, shape: [Int], to device: PJRTDevice? = nil
  ) throws(PJRTError) -> PJRTBuffer {
    precondition(
      bytes.count == shape.reduce(1, *) * type.byteCount, "\(bytes.count) bytes for \(type) of shape \(shape)")
    let action = "copying \(type)\(shape) to \(platformName)"
    let target = try given(device ?? devices.first, action)
    var buffer: OpaquePointer?
    try attempt(action) { error in
      shape.map { Int64($0) }.withUnsafeBufferPointer {
        dd2_pjrt_buffer_create(
          plugin.handle, handle, target.handle, bytes.baseAddress, type.rawValue, $0.baseAddress, $0.count, &buffer,
          error)
      }
    }
    return PJRTBuffer(self, try given(buffer, action))
  }

  /// Copies elements to a device, as above.
  public func upload<Element: PJRTElement>(
    _ elements: [Element], shape: [Int], to device: PJRTDevice? = nil
  ) throws(PJRTError) -> PJRTBuffer {
    try elements.withUnsafeBytes { bytes in
      Result { () throws(PJRTError) in try upload(bytes: bytes, Element.elementType, shape: shape, to: device) }
    }.get()
  }
}
