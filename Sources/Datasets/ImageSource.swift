import Artifacts
import Synchronization
import TensorCore

/// A batch of images and their class numbers.
public struct LabelledImages {
  /// B class numbers.
  public let labels: [Int32]
  private let pixels: [Float]
  private let shape: Shape

  init(pixels: [Float], _ shape: Shape, labels: [Int32]) {
    (self.pixels, self.shape, self.labels) = (pixels, shape, labels)
  }

  /// (B, h, w, 3), channels-last, in [-1, 1]: copied to the backend of the caller, as threads that read ahead have none.
  public var images: Tensor { Tensor(pixels, shape) }

  /// The images and labels of this process's replicas, which have equal parts of them, one replica after the other:
  /// (B / replicas, h, w, 3) and B / replicas class numbers in each.
  public var ofReplicas: (images: Tensor, labels: IndexTensor) {
    let part = shape.replacing(axis: 0, with: labels.count / Backends.current.replicas.here.count)
    return (Tensor(perReplica: pixels, part), IndexTensor(perReplica: labels))
  }
}

/// A finite set of labelled RGB images of one size, addressed by index.
public protocol ImageSource: Sendable {
  /// Number of images.
  var count: Int { get }
  /// Rows of every image.
  var height: Int { get }
  /// Columns of every image.
  var width: Int { get }
  /// Names of the classes, in the order of their numbers.
  var classNames: [String] { get }
  /// Image `index`: rows from the top, pixels from the left, red, green, blue.
  func pixels(at index: Int) throws -> [UInt8]
  /// Class number of image `index`.
  func label(at index: Int) -> Int32
}

extension ImageSource {
  /// The images of the given indices, in their order, read by all threads. Throws what `pixels(at:)` throws.
  public func batch(_ indices: [Int]) throws -> LabelledImages {
    let size = height * width * 3
    let failure = Mutex<(any Error)?>(nil)
    let bytes = [UInt8](unsafeUninitializedCapacity: indices.count * size) { buffer, count in
      buffer.initialize(repeating: 0)
      nonisolated(unsafe) let target = buffer
      ThreadPool.shared.forEachRange(indices.count, grain: 4) { range in
        for row in range {
          do {
            let pixels = try pixels(at: indices[row])
            for i in 0..<size { target[row * size + i] = pixels[i] }
          } catch {
            failure.withLock { $0 = $0 ?? error }
          }
        }
      }
      count = indices.count * size
    }
    if let error = failure.withLock({ $0 }) { throw error }
    return batch(bytes, of: indices)
  }

  /// - Parameter bytes: the pixels of the images of these indices.
  func batch(_ bytes: [UInt8], of indices: [Int]) -> LabelledImages {
    let elements = [Float](unsafeUninitializedCapacity: bytes.count) { buffer, count in
      nonisolated(unsafe) let target = buffer
      ThreadPool.shared.forEachRange(bytes.count, grain: 1 << 16) { range in
        for i in range { target[i] = Float(bytes[i]) / 127.5 - 1 }
      }
      count = bytes.count
    }
    return LabelledImages(
      pixels: elements, [indices.count, height, width, 3], labels: indices.map(label(at:)))
  }
}

/// Images as bytes, the inverse of `ImageSource.batch`: values are clipped to [-1, 1] and rounded to nearest.
/// - Parameter images: (B, h, w, 3) in [-1, 1].
/// - Returns: per image, rows from the top, pixels from the left, red, green, blue.
public func pixelBytes(of images: Tensor) -> [[UInt8]] {
  let (B, h, w, channels) = images.dims4
  precondition(channels == 3, "pixelBytes: expected (B, h, w, 3), got \(images.shape)")
  let elements = images.elements
  return (0..<B).map { row in
    elements[row * h * w * 3..<(row + 1) * h * w * 3].map { value in
      precondition(!value.isNaN, "pixelBytes: image \(row) holds NaN")
      return UInt8((min(max(value, -1), 1) * 127.5 + 127.5).rounded())
    }
  }
}

/// Images (B, h, w, 3) in [-1, 1] as 8-bit images.
public func rgbImages(_ images_BhwC: Tensor) -> [RGBImage] {
  let (_, h, w, _) = images_BhwC.dims4
  return pixelBytes(of: images_BhwC).map { RGBImage(width: w, height: h, pixels: $0) }
}
