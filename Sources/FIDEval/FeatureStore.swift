import Artifacts
import Foundation
import TensorCore

/// Features (N, F) of any number of images, in a temporary file without a name: 50,000 images of 2048 features take
/// 410 MB, which the system keeps in memory where there is room and on the disk where there is not.
public final class FeatureStore {
  /// Number of features F.
  public let dimension: Int
  /// Number of samples N so far.
  public private(set) var count = 0
  private let descriptor: Int32
  private let place: String

  /// An empty store. Throws `ArtifactError.cannotCreate`.
  public init(dimension: Int) throws {
    precondition(dimension > 0, "FeatureStore: \(dimension) features")
    self.dimension = dimension
    place = FileAccess.path(inVariable: "TMPDIR") ?? "/tmp"
    var template = (place + "/dd2-features-XXXXXX").pathBytes.map(CChar.init(bitPattern:)) + [0]
    descriptor = mkstemp(&template)
    guard descriptor >= 0 else { throw ArtifactError.cannotCreate(path: place, detail: FileAccess.systemMessage()) }
    unlink(template)
  }

  deinit { close(descriptor) }

  /// Appends features (B, F). Throws `FIDError.nonFinite`, `ArtifactError.inputOutput` for a full disk.
  public func add(_ features_BF: Tensor) throws {
    precondition(features_BF.dims2.1 == dimension, "FeatureStore: \(features_BF.shape) for \(dimension)")
    try add(features_BF.elements)
  }

  /// Appends features (B, F), row-major. Throws as `add(_:)`.
  func add(_ elements: [Float]) throws {
    precondition(elements.count % dimension == 0, "FeatureStore: \(elements.count) elements")
    guard elements.allSatisfy(\.isFinite) else { throw FIDError.nonFinite("a feature of an image") }
    try elements.withUnsafeBytes { bytes in
      var done = 0
      while done < bytes.count {
        let offset = off_t(count * dimension * 4 + done)
        let written = pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, offset)
        if written < 0, errno == EINTR { continue }
        guard written > 0 else { throw failure() }
        done += written
      }
    }
    count += elements.count / dimension
  }

  /// Samples of a range, (rows, F). Throws `ArtifactError.inputOutput`.
  public func rows(_ range: Range<Int>) throws -> [Double] {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "FeatureStore: \(range) of \(count)")
    var floats = [Float](repeating: 0, count: range.count * dimension)
    try floats.withUnsafeMutableBytes { bytes in
      var done = 0
      while done < bytes.count {
        let offset = off_t(range.lowerBound * dimension * 4 + done)
        let got = pread(descriptor, bytes.baseAddress! + done, bytes.count - done, offset)
        if got < 0, errno == EINTR { continue }
        guard got > 0 else { throw failure() }
        done += got
      }
    }
    return floats.map(Double.init)
  }

  /// Samples of the given numbers, in their order. Throws `ArtifactError.inputOutput`.
  public func rows(_ indices: some Collection<Int>) throws -> [Double] {
    var result: [Double] = []
    result.reserveCapacity(indices.count * dimension)
    for index in indices { result += try rows(index..<index + 1) }
    return result
  }

  private func failure() -> ArtifactError {
    .inputOutput(path: place, detail: errno == 0 ? "a temporary file is cut short" : String(cString: strerror(errno)))
  }
}
