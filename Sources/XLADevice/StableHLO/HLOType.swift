import TensorCore

/// Element types of StableHLO that programs use.
enum HLOElement: String {
  case f32, f64, bf16, i32, ui32, ui64, i1
}

/// The type of a StableHLO array.
struct HLOType: Equatable {
  var shape: [Int]
  var element: HLOElement

  init(_ shape: [Int], _ element: HLOElement = .f32) {
    self.shape = shape
    self.element = element
  }

  init(_ type: ArrayType) { self.init(type.shape.dimensions, type.element == .float32 ? .f32 : .i32) }

  var count: Int { shape.reduce(1, *) }
  var rank: Int { shape.count }

  /// As it is written: `tensor<2x3xf32>`.
  var text: String { "tensor<" + shape.map { "\($0)x" }.joined() + element.rawValue + ">" }

  func with(_ shape: [Int]) -> HLOType { HLOType(shape, element) }
  func with(_ element: HLOElement) -> HLOType { HLOType(shape, element) }
}

/// A value of a program: its name and its type.
struct HLOValue {
  let name: String
  let type: HLOType

  var shape: [Int] { type.shape }
}
