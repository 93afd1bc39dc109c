/// Which elements of a storage make a tensor: element (i, j, ...) is the storage's element
/// `offset + i strides[0] + j strides[1] + ...`. Every such element lies in the storage: the initialisers check it.
struct StridedLayout: Sendable, Equatable {
  /// Extents, slowest axis first.
  let shape: [Int]
  /// Steps in elements of the storage; 0 for axes of extent 1, whose step is never taken.
  let strides: [Int]
  let offset: Int
  /// How many elements the tensor has.
  let count: Int
  /// One more than the last element of the storage that belongs to the tensor; `offset` if none does.
  let end: Int

  /// What is wrong with a layout, for the message of whoever knows the tensor's name.
  struct Problem: Error {
    let detail: String
  }

  /// Throws `Problem` unless the tensor lies inside a storage of `storageCount` elements.
  init(shape: [Int], strides: [Int], offset: Int, storageCount: Int) throws(Problem) {
    guard shape.count == strides.count, shape.count <= ReaderLimits.rank else {
      throw Problem(detail: "has \(shape.count) axes and \(strides.count) strides")
    }
    guard shape.allSatisfy({ $0 >= 0 }), strides.allSatisfy({ $0 >= 0 }), offset >= 0 else {
      throw Problem(detail: "has a negative extent, stride or offset: \(shape), \(strides), \(offset)")
    }
    let strides = zip(shape, strides).map { $0 == 1 ? 0 : $1 }
    guard let count = Self.count(of: shape), let end = Self.end(shape, strides, offset), end <= storageCount else {
      throw Problem(
        detail: "reaches past its storage of \(storageCount) elements "
          + "(shape \(shape), strides \(strides), offset \(offset))")
    }
    guard count <= max(storageCount, ReaderLimits.repeatedElements) else {
      throw Problem(detail: "claims \(count) elements out of a storage of \(storageCount)")
    }
    self.shape = shape
    self.strides = strides
    self.offset = offset
    self.count = count
    self.end = end
  }

  /// A row-major tensor that takes a whole storage. Throws `Problem` unless it has `storageCount` elements.
  init(rowMajor shape: [Int], storageCount: Int) throws(Problem) {
    guard Self.count(of: shape) == storageCount else {
      throw Problem(detail: "of shape \(shape) is stored in room for \(storageCount) elements")
    }
    try self.init(shape: shape, strides: Self.rowMajorStrides(shape), offset: 0, storageCount: storageCount)
  }

  /// Calls `body` for stretches of equally spaced elements of the storage, in the tensor's row-major order.
  func forEachRun(_ body: (_ start: Int, _ step: Int, _ length: Int) -> Void) {
    guard count > 0 else { return }
    guard strides != Self.rowMajorStrides(shape), let length = shape.last, let step = strides.last else {
      body(offset, 1, count)
      return
    }
    var index = [Int](repeating: 0, count: shape.count - 1)
    var start = offset
    while true {
      body(start, step, length)
      var axis = index.count - 1
      while axis >= 0, index[axis] == shape[axis] - 1 {
        start -= index[axis] * strides[axis]
        index[axis] = 0
        axis -= 1
      }
      guard axis >= 0 else { return }
      index[axis] += 1
      start += strides[axis]
    }
  }

  /// The product of the extents; nil if one is negative or the product is no `Int`.
  static func count(of shape: [Int]) -> Int? {
    guard shape.allSatisfy({ $0 >= 0 }) else { return nil }
    var count = 1
    // Overflow is asked of the extents that are not 0, in whatever order they stand.
    for extent in shape where extent != 0 {
      let (product, overflows) = count.multipliedReportingOverflow(by: extent)
      guard !overflows else { return nil }
      count = product
    }
    return shape.contains(0) ? 0 : count
  }

  /// One more than the largest element index; nil if it is no `Int`.
  private static func end(_ shape: [Int], _ strides: [Int], _ offset: Int) -> Int? {
    guard !shape.contains(0) else { return offset }
    var last = offset
    for (extent, stride) in zip(shape, strides) {
      let (reach, overflows) = (extent - 1).multipliedReportingOverflow(by: stride)
      let (sum, overflowsToo) = last.addingReportingOverflow(reach)
      guard !overflows, !overflowsToo else { return nil }
      last = sum
    }
    let (end, overflows) = last.addingReportingOverflow(1)
    return overflows ? nil : end
  }

  /// Precondition: the extents' product is an `Int`.
  private static func rowMajorStrides(_ shape: [Int]) -> [Int] {
    guard !shape.contains(0) else { return shape.map { _ in 0 } }
    var strides: [Int] = []
    var step = 1
    for extent in shape.reversed() {
      strides.append(extent == 1 ? 0 : step)
      step *= extent
    }
    return strides.reversed()
  }
}
