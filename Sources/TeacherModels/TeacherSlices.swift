import DD2Teacher
import TensorCore

/// Images of a side that a tokenizer takes at once: about 130,000 pixels, 100 images at most.
func imagesAtOnce(side: Int) -> Int { min(100, max(1, (1 << 17) / (side * side))) }

/// How much of a batch a teacher of any size works on at once: full-size models would fill the memory with a hundred
/// images that the built-in ones take with ease. Results do not depend on it.
extension Teacher {
  /// Sequences that the transformer draws or reads at once: about 2 GB of keys and values, with guidance and copies.
  public var sequencesAtOnce: Int {
    let bytes = 4 * MemoryLayout<Float>.size * trunkConfiguration.cachedElements
    return min(Self.most, max(1, (2 << 30) / bytes))
  }

  /// Images that the tokenizer takes at once.
  public var imagesAtOnce: Int { TeacherModels.imagesAtOnce(side: imageSide) }

  private static var most: Int { 100 }

  /// As `decode`, a few images at a time.
  /// - Throws: `NonFiniteOutput`.
  public func decodeInSlices(ids_BL: IndexTensor) throws -> Tensor {
    let B = ids_BL.shape[0]
    let images = try stride(from: 0, to: B, by: imagesAtOnce).map { start in
      try decode(ids_BL: ids_BL.sliced(axis: 0, start..<min(start + imagesAtOnce, B)))
    }
    return images.count == 1 ? images[0] : Tensor.concatenated(images, axis: 0)
  }
}
