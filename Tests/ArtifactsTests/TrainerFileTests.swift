import Foundation
import TestSupport
import Testing

@testable import Artifacts

/// Files of trainers: what is no tensor is passed over, whatever it is.
@Suite struct TrainerFileTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func open(_ bytes: [UInt8]) throws -> WeightsFile {
    try WeightsFile.open(try folder.overwrite(bytes, "trainer.pt"))
  }

  private func open(body: [UInt8]) throws -> WeightsFile { try open(WeightsFixture.zip(body).bytes) }

  private static let tensor = PickleBytes.tensor(PickleBytes.storage("Float", "0", 6), 0, [6], [1])
  private static let six = HostArray(shape: [6], [1, 2, 3, 4, 5, 6] as [Float])

  @Test(arguments: [2, 4]) func whatTrainersStoreBesideTheirWeights(version: Int) throws {
    let pickle = try #require(TrainerPickles.base64[version].flatMap { Data(base64Encoded: $0) })
    let file = try open(WeightsFixture.zip(pickle: [UInt8](pickle)).bytes)
    let odd: [(String, Float)] = [("True", 1), ("None", 2), ("(key 2)", 3), ("(key 3)", 4), ("(key 4)", 5)]
    var expected = [
      "model.w": Self.six, "stateful": HostArray(shape: [3], [1, 2, 3] as [Float]),
      "ema.m": HostArray(shape: [2], [2, 3] as [Float]),
    ]
    for (key, value) in odd { expected["odd." + key] = HostArray(shape: [1], [value]) }
    #expect(try Dictionary(uniqueKeysWithValues: file.entries.map { ($0.name, try file.array($0.name)) }) == expected)
    #expect(file.groups.map(\.name) == ["", "ema", "model", "odd"])
  }

  @Test func longTextsAndPython2sFormsAreRead() throws {
    let long = PickleBytes.text(String(repeating: "log ", count: 1 << 20))
    // Bytes in a string of Python 2, an object of a class of Python 2, in both forms, and text with escapes.
    let old = Array("U\u{2}".utf8) + [0xC0, 0xFF]
    let object = Array("(".utf8) + PickleBytes.global("trainer", "Options") + Array("o}b".utf8)
    let instance = Array("(itrainer\nOptions\n}b".utf8)
    let pair = PickleBytes.list([PickleBytes.text("w"), Self.tensor])
    let ordered = PickleBytes.call(PickleBytes.global("collections", "OrderedDict"), [PickleBytes.list([pair])])
    let file = try open(
      body: PickleBytes.dictionary([
        ("log", long), ("old", old), ("object", object), ("instance", instance), ("path", Array("VC:\\u0020\n".utf8)),
        ("model", ordered),
      ]))
    #expect(file.entries.map(\.name) == ["model.w"])
    #expect(try file.array("model.w") == Self.six)
  }

  /// A tensor that an object of some class was made of or got is none of the file's.
  @Test(arguments: ["R", "\u{81}", "append", "set", "state", "add", "keywords", "subclass"])
  func noTensorComesOutOfAnObject(way: String) throws {
    let (tensor, text) = (Self.tensor, PickleBytes.text("w"))
    let made = PickleBytes.call(PickleBytes.global("trainer", "Thing"), [])
    let object =
      switch way {
      case "append": made + tensor + Array("a".utf8) + Array("(".utf8) + tensor + Array("e".utf8)
      case "set": made + text + tensor + Array("s(".utf8) + text + tensor + Array("u".utf8)
      case "state": made + PickleBytes.dictionary([("w", tensor)]) + Array("b".utf8)
      case "add": [0x8F] + Array("(".utf8) + tensor + [0x90]
      case "keywords":
        PickleBytes.global("trainer", "Thing") + PickleBytes.tuple([tensor])
          + PickleBytes.dictionary([("w", tensor)]) + [0x92]
      case "subclass":
        PickleBytes.call(
          PickleBytes.global("torch._tensor", "_rebuild_from_type_v2"),
          [
            PickleBytes.global("torch._utils", "_rebuild_parameter"), PickleBytes.global("trainer", "Quantized"),
            PickleBytes.tuple([tensor, [0x88], PickleBytes.dictionary([])]), PickleBytes.dictionary([]),
          ])
      default:
        PickleBytes.global("trainer", "Thing") + PickleBytes.tuple([tensor])
          + way.unicodeScalars.map { UInt8($0.value) }
      }
    let file = try open(body: PickleBytes.dictionary([("object", object), ("w", Self.tensor)]))
    #expect(file.entries.map(\.name) == ["w"])
    #expect(try file.array("w") == Self.six)
    #expect(file.groups == [WeightsFile.Group(name: "", tensorCount: 1, ownTensorCount: 1)])
  }

  @Test func aFileThatIsOneObjectSaysSo() {
    let error = artifactError {
      _ = try open(body: PickleBytes.call(PickleBytes.global("models", "VAR"), [Self.tensor]))
    }
    #expect(name(of: error) == "wrongFormat")
    #expect(error?.description.contains("an object of some class, not a dictionary of tensors") == true)
  }

  /// Types that nobody reads are listed; asking for one is an error that names it.
  @Test func tensorsOfOtherTypesAreNoObstacle() throws {
    let complex = PickleBytes.tensor(PickleBytes.storage("ComplexFloat", "c", 2), 0, [2], [1])
    func typed(_ type: String) -> [UInt8] {
      let storage = PickleBytes.tuple([
        PickleBytes.text("storage"), PickleBytes.global("torch.storage", "UntypedStorage"), PickleBytes.text("c"),
        PickleBytes.text("cpu"), PickleBytes.int(16),
      ])
      return PickleBytes.call(
        PickleBytes.global("torch._utils", "_rebuild_tensor_v3"),
        [
          storage + Array("Q".utf8), PickleBytes.int(0), PickleBytes.tuple([PickleBytes.int(4)]),
          PickleBytes.tuple([PickleBytes.int(1)]), [0x89], PickleBytes.dictionary([]),
          PickleBytes.global("torch", type),
          PickleBytes.dictionary([]),
        ])
    }
    let storages =
      WeightsFixture.storages + [
        WeightsFixture.Storage(key: "c", kind: "ComplexFloat", elementSize: 8, bytes: [UInt8](repeating: 0, count: 16))
      ]
    func read(_ other: [UInt8], _ type: String, shape: [Int]) throws {
      let body = PickleBytes.dictionary([("freqs_cis", other), ("w", Self.tensor)])
      let file = try open(WeightsFixture.zip(body, storages: storages).bytes)
      #expect(try file.array("w") == Self.six)
      #expect(file.entry("freqs_cis")?.shape == shape && file.entry("freqs_cis")?.type.name == type)
      let error = artifactError { _ = try file.array("freqs_cis") }
      #expect(name(of: error) == "unsupported")
      #expect(error?.description.contains("\"freqs_cis\" is of type \(type)") == true)
    }
    try read(complex, "complex64", shape: [2])
    for type in ["float8_e4m3fn", "float8_e5m2", "uint16", "uint32", "complex32"] {
      try read(typed(type), type, shape: [4])
    }
    // Bounds are checked all the same.
    for wrong in [typed("uint64"), typed("complex64")] {
      let body = PickleBytes.dictionary([("x", wrong)])
      #expect(
        name(of: artifactError { _ = try open(WeightsFixture.zip(body, storages: storages).bytes) }) == "corrupt")
    }
    // A type that came after this reader is passed over.
    let newer = try open(
      WeightsFixture.zip(
        PickleBytes.dictionary([("x", typed("float2_new")), ("w", Self.tensor)]), storages: storages
      ).bytes)
    #expect(newer.entries.map(\.name) == ["w"])
  }

  @Test func safetensorsOfOtherTypesAndWithLongMetadataAreRead() throws {
    let metadata = String(repeating: #"a \"b\" \u00e9 "#, count: 200_000)
    func header(_ type: String, _ shape: String) -> String {
      #"{"__metadata__": {"log": "\#(type == "C64" ? metadata : "")"}, "w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}, "#
        + #""x": {"dtype": "\#(type)", "shape": \#(shape), "data_offsets": [8, 16]}}"#
    }
    let body = [1, 2].flatMap { WeightsFixture.float($0) } + [UInt8](repeating: 0, count: 8)
    for (type, shape) in [
      ("C64", "[1]"), ("U64", "[1]"), ("U16", "[2, 2]"), ("F8_E4M3", "[8]"), ("F4", "[16]"), ("NEW", "[3]"),
    ] {
      let file = try open(WeightsFixture.safetensors(header: header(type, shape), body: body))
      #expect(try file.array("w") == HostArray(shape: [2], [1, 2] as [Float]))
      let error = artifactError { _ = try file.array("x") }
      #expect(name(of: error) == "unsupported" && error?.description.contains(type) == true, "\(type)")
    }
    for (type, shape) in [("C64", "[2]"), ("U16", "[3]"), ("F4", "[4611686018427387904, 4]"), ("NEW", "[65]")] {
      let bytes = WeightsFixture.safetensors(header: header(type, shape), body: body)
      #expect(name(of: artifactError { _ = try open(bytes) }) == "corrupt", "\(type)")
    }
  }

  /// Names behind what PyTorch puts around models; dictionaries of the same names stay dictionaries.
  @Test func wrappersAreTakenOutOfNames() throws {
    func names(_ keys: [String]) throws -> [String] {
      try open(body: PickleBytes.dictionary(keys.map { ($0, Self.tensor) })).unwrapped().entries.map(\.name)
    }
    let wrapped = [
      "module._orig_mod.a.weight", "_fsdp_wrapped_module.model.module.b", "c._fsdp_wrapped_module.d._orig_mod.e",
      "f.0._checkpoint_wrapped_module.model", "modules.g",
    ]
    #expect(try names(wrapped) == ["a.weight", "b", "c.d.e", "f.0.model", "modules.g"])
    let error = artifactError { _ = try names(["module.a", "_orig_mod.a", "b"]) }
    #expect(error?.description.contains(#""_orig_mod.a" and "module.a" both stand for the weight "a""#) == true)
    let inner = PickleBytes.dictionary([("module.a", Self.tensor)])
    let nested = try open(body: PickleBytes.dictionary([("step", Self.tensor), ("model", inner)]))
    #expect(try nested.unwrapped().entries.map(\.name) == ["model.module.a", "step"])
    #expect(try nested.stateDictionary(at: "model").unwrapped().entries.map(\.name) == ["a"])
  }
}
