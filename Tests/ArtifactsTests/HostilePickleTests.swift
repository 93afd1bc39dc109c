import Foundation
import TestSupport
import Testing

@testable import Artifacts

/// Pickles that would run programs, fill the memory or the stack, or describe what is not there.
@Suite struct HostilePickleTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// The error of opening a file around the pickle and reading all of it.
  private func error(pickle: [UInt8]) -> ArtifactError? {
    artifactError {
      let path = try folder.write(Data(WeightsFixture.zip(pickle: pickle).bytes), "hostile.pth")
      let file = try WeightsFile.open(path)
      for entry in file.entries { _ = try file.array(entry.name) }
    }
  }

  private func error(_ body: [UInt8]) -> ArtifactError? { error(pickle: PickleBytes.program(body)) }

  private func error(tensor: [UInt8]) -> ArtifactError? { error(PickleBytes.dictionary([("x", tensor)])) }

  @Test(arguments: [
    ("os", "system"), ("posix", "system"), ("builtins", "eval"), ("__builtin__", "execfile"), ("subprocess", "Popen"),
    ("torch", "load"), ("torch._utils", "_rebuild_tensor_v2.__globals__"), ("os.path", "join"), ("shutil", "rmtree"),
    ("torch.storage", "_load_from_bytes"), ("", ""), ("collections", "OrderedDict\u{1B}[2J"), ("trainer", "A b"),
  ])
  func whatRunsProgramsIsRefusedByName(module: String, name: String) throws {
    let shown = (module + "." + name).replacingOccurrences(of: "\u{1B}", with: "\\u{1B}")
    let expected = ArtifactError.forbiddenGlobal(path: folder.file("hostile.pth"), name: "\"\(shown)\"")
    let command = [PickleBytes.text("touch /tmp/dd2-was-here")]
    #expect(error(PickleBytes.call(PickleBytes.global(module, name), command)) == expected)
    let stacked = PickleBytes.text(module) + PickleBytes.text(name) + [0x93]
    #expect(error(stacked + PickleBytes.tuple(command) + Array("R".utf8)) == expected)
    #expect(expected.description.contains(shown) && expected.exitCode == 65)
    // Also in what nobody looks into, and without a call.
    let hidden = PickleBytes.call(PickleBytes.global("trainer", "Options"), [PickleBytes.global(module, name)])
    #expect(error(PickleBytes.dictionary([("options", hidden)])) == expected)
  }

  @Test func aCallOfWhatIsNoFunctionIsRefused() {
    let dictionary = PickleBytes.dictionary([])
    let floats = PickleBytes.global("torch", "FloatStorage")
    for function in [dictionary, floats, PickleBytes.text("system"), PickleBytes.global("torch", "float32")] {
      #expect(name(of: error(PickleBytes.call(function, []))) == "corrupt")
    }
    for code in ["o", "(o", "(]o"] { #expect(error(Array(code.utf8)) != nil) }
    for code in [0x82, 0x83, 0x84, 0x97, 0xFF] as [UInt8] {
      #expect(name(of: error([code])) == "unsupported")
    }
  }

  /// No call is refused, and the stack does not grow: in the second bomb each takes the result of the one before.
  @Test func aBombOfCallsEndsAtTheLimitOfInstructions() {
    let start = PickleBytes.global("collections", "OrderedDict") + Array("q\u{0}".utf8)
    let bomb = [[UInt8]](repeating: Array("h\u{0})R0".utf8), count: 300_000).flatMap { $0 }
    #expect(name(of: error(start + bomb + PickleBytes.dictionary([]))) == "tooLarge")
    let function = PickleBytes.global("torch._utils", "_rebuild_parameter") + Array("q\u{0}".utf8)
    let tensor = PickleBytes.tensor(PickleBytes.storage("Float", "0", 6), 0, [6], [1]) + Array("q\u{1}".utf8)
    let call = Array("h\u{0}h\u{1}".utf8) + [0x85] + Array("Rq\u{1}0".utf8)
    let calls = [[UInt8]](repeating: call, count: 200_000).flatMap { $0 }
    #expect(name(of: error(function + tensor + calls)) == "tooLarge")
  }

  @Test func stackMarkAndMemoBombsEndAtTheLimitOfInstructions() {
    for code in ["N", "(", "]", "}", ")"] {
      #expect(name(of: error(Array(repeating: code.utf8.first ?? 0, count: 1_100_000))) == "tooLarge", "\(code)")
    }
    #expect(name(of: error(Array("N".utf8) + Array(repeating: 0x94, count: 1_100_000))) == "tooLarge")
    #expect(name(of: error(Array("N".utf8) + Array(repeating: UInt8(ascii: "2"), count: 1_100_000))) == "tooLarge")
    let tuples = Array("N".utf8) + Array(repeating: 0x85 as UInt8, count: 900_000)
    #expect(name(of: error(tuples)) == "wrongFormat")
  }

  @Test func deepNestingIsRefused() {
    let depth = 100_000
    let opened = Array(repeating: UInt8(ascii: "]"), count: depth)
    let lists = opened + Array(repeating: UInt8(ascii: "a"), count: depth - 1)
    #expect(name(of: error(tensor: lists)) == "tooLarge")
    let open = [[UInt8]](repeating: Array("}".utf8) + PickleBytes.text("a"), count: depth).flatMap { $0 }
    let close = Array("N".utf8) + Array(repeating: UInt8(ascii: "s"), count: depth)
    #expect(name(of: error(open + close)) == "tooLarge")
  }

  /// A list that holds a list twice, which holds a list twice, and so on; and a list that holds itself.
  @Test func sharedValuesDoNotMultiply() {
    let last = PickleBytes.list([])
    let doubled = [[UInt8]](repeating: Array("q\u{0}0](h\u{0}h\u{0}e".utf8), count: 50).flatMap { $0 }
    #expect(name(of: error(tensor: last + doubled)) == "tooLarge")
    #expect(name(of: error(tensor: Array("]q\u{0}h\u{0}a".utf8))) == "tooLarge")
  }

  @Test func hugeLengthsAreRefusedWithoutAllocatingThem() {
    let huge: [[UInt8]] = [
      Array("X".utf8) + littleEndian(UInt32.max), Array("T".utf8) + littleEndian(Int32.max),
      Array("T".utf8) + littleEndian(Int32.min), Array("B".utf8) + littleEndian(UInt32.max),
      [0x8D] + littleEndian(UInt64.max), [0x8E] + littleEndian(UInt64(1 << 62)), [0x96] + littleEndian(UInt64.max),
      [0x8B] + littleEndian(Int32.max), [0x8B] + littleEndian(Int32.min), [0x95],
      Array("c".utf8) + Array(repeating: UInt8(ascii: "a"), count: 1 << 20),
    ]
    for instruction in huge { #expect(name(of: error(instruction)) == "corrupt") }
    let text = PickleBytes.text(String(repeating: "a", count: ReaderLimits.textBytes))
    let texts = [[UInt8]](repeating: text + Array("0".utf8), count: 1025).flatMap { $0 }
    #expect(error(texts + PickleBytes.dictionary([]))?.description.contains("too long in all") == true)
    let nameTooLong = PickleBytes.dictionary([(String(repeating: "a", count: 5000), PickleBytes.dictionary([]))])
    #expect(name(of: error(nameTooLong)) == "tooLarge")
  }

  @Test func instructionsWithoutTheirOperandsAreRefused() {
    for body in [
      "0", "1", "2", "R", "b", "Q", "a", "e", "s", "u", "t", "l", "d", "o", "(o", "itrainer\nx\n", "h\u{7}", "g7\n",
      "gx\n",
    ] {
      #expect(name(of: error(Array(body.utf8))) == "corrupt", "\(body)")
    }
    for code in [0x81, 0x85, 0x86, 0x87, 0x90, 0x91, 0x92, 0x93, 0x94] as [UInt8] {
      #expect(name(of: error([code])) == "corrupt", "\(code)")
    }
    // A mark hides what is below it.
    for body in ["N(0a", "}(b", "](a", "N(2", "N(q\u{0}"] { #expect(error(Array(body.utf8)) != nil, "\(body)") }
    for body in ["Ix\n", "I\n", "L9999999999999999999x\n", "Sabc\n", "N}s", "}(Ns", "}(Nu"] {
      #expect(name(of: error(Array(body.utf8))) == "corrupt", "\(body)")
    }
    #expect(name(of: error(pickle: [0x80, 6, 0x4E, 0x2E])) == "unsupported")
    #expect(name(of: error(pickle: [])) == "corrupt")
  }

  @Test func aKeyThatAppearsTwiceIsRefused() {
    let twice = PickleBytes.dictionary([("a", PickleBytes.int(1)), ("a", PickleBytes.int(2))])
    #expect(error(twice)?.description.contains("\"a\" appears twice") == true)
    let tensor = PickleBytes.tensor(PickleBytes.storage("Float", "0", 6), 0, [6], [1])
    let flattened = PickleBytes.dictionary([("a.b", tensor), ("a", PickleBytes.dictionary([("b", tensor)]))])
    #expect(error(flattened)?.description.contains("two tensors are named \"a.b\"") == true)
  }

  /// Offset, shape and strides on a storage of six elements.
  @Test(arguments: [
    (0, [7], [1]), (0, [2, 3], [4, 1]), (1, [6], [1]), (6, [1], [1]), (7, [0], [1]), (0, [2], [Int.max]),
    (0, [Int.max], [1]), (0, [Int.max, Int.max], [0, 0]), (0, [1 << 32, 1 << 32], [1, 1]), (Int.max, [1], [1]),
    (Int.max, [2], [Int.max]), (-1, [1], [1]), (0, [-1], [1]), (5, [3], [-1]), (0, [2, 3], [1]), (0, [6], []),
    (0, [1 << 40], [0]), (0, [1 << 20, 1 << 20], [0, 0]), (0, [1 << 24, 2], [0, 1]),
    (0, Array(repeating: 1, count: 33), Array(repeating: 1, count: 33)),
  ])
  func aTensorOutsideItsStorageIsRefused(offset: Int, shape: [Int], strides: [Int]) {
    let storage = PickleBytes.storage("Float", "0", 6)
    #expect(name(of: error(tensor: PickleBytes.tensor(storage, offset, shape, strides))) == "corrupt")
  }

  @Test func aStorageThatIsNotAsStatedIsRefused() {
    func error(_ kind: String, _ key: String, _ count: Int) -> ArtifactError? {
      self.error(tensor: PickleBytes.tensor(PickleBytes.storage(kind, key, count), 0, [1], [1]))
    }
    #expect(error("Float", "0", 6) == nil)
    for (kind, key, count) in [
      ("Float", "0", 5), ("Float", "0", 7), ("Double", "0", 6), ("Float", "99", 6), ("Float", "../0", 6),
      ("Float", "0", -6), ("Float", "0", Int.max), ("Double", "0", 1 << 61),
    ] {
      #expect(name(of: error(kind, key, count)) == "corrupt", "\(kind) \(key) \(count)")
    }
    #expect(error("Complex", "0", 6)?.description.contains("a storage of an unknown kind") == true)
    let first = PickleBytes.tensor(PickleBytes.storage("Float", "0", 6), 0, [1], [1])
    let second = PickleBytes.tensor(PickleBytes.storage("Int", "0", 6), 0, [1], [1])
    #expect(name(of: self.error(PickleBytes.dictionary([("a", first), ("b", second)]))) == "corrupt")
  }

  @Test func booleansAreZeroOrOne() throws {
    var storages = WeightsFixture.storages
    storages[7].bytes[1] = 2
    let path = try folder.write(Data(WeightsFixture.zip(storages: storages).bytes), "bool.pth")
    let file = try WeightsFile.open(path)
    #expect(name(of: artifactError { _ = try file.array("bool") }) == "corrupt")
  }

  @Test func untypedStoragesTakeTheirTypeFromTheTensor() throws {
    let untyped = PickleBytes.tuple([
      PickleBytes.text("storage"), PickleBytes.global("torch.storage", "UntypedStorage"), PickleBytes.text("0"),
      PickleBytes.text("cpu"), PickleBytes.int(24),
    ])
    func tensor(_ type: String, _ extent: Int) -> [UInt8] {
      PickleBytes.call(
        PickleBytes.global("torch._utils", "_rebuild_tensor_v3"),
        [
          untyped + Array("Q".utf8), PickleBytes.int(0), PickleBytes.tuple([PickleBytes.int(extent)]),
          PickleBytes.tuple([PickleBytes.int(1)]), [0x89], PickleBytes.dictionary([]),
          PickleBytes.global("torch", type), PickleBytes.dictionary([]),
        ])
    }
    let path = try folder.write(
      Data(WeightsFixture.zip(PickleBytes.dictionary([("x", tensor("float32", 6))])).bytes), "untyped.pth")
    #expect(try WeightsFile.open(path).array("x") == HostArray(shape: [6], [1, 2, 3, 4, 5, 6] as [Float]))
    #expect(name(of: error(tensor: tensor("float64", 4))) == "corrupt")
    #expect(name(of: error(tensor: tensor("complex64", 3))) == "unsupported")
    let untypedInVersion2 = PickleBytes.tensor(untyped + Array("Q".utf8), 0, [6], [1])
    #expect(name(of: error(tensor: untypedInVersion2)) == "corrupt")
  }

  @Test func instructionsOfProtocolZeroAreFollowed() throws {
    let tensor = PickleBytes.tensor(PickleBytes.storage("Float", "0", 6), 0, [6], [1])
    let settings = "(dp0\nVa\np1\nI1\nsVt\np2\n(I1\nI-2\ntp3\nsVl\np4\n(lp5\nL5L\naF0.5\nag5\nasVb\nI01\nsS'n'\nNs"
    // The list holds itself, so it must not be walked; beside a tensor it hides below a Namespace's state.
    let hidden = PickleBytes.global("argparse", "Namespace") + Array(")\u{81}".unicodeScalars.map { UInt8($0.value) })
    let body = PickleBytes.dictionary([("args", hidden + Array(settings.utf8) + Array("b".utf8)), ("x", tensor)])
    let path = try folder.write(Data(WeightsFixture.zip(body).bytes), "zero.pth")
    #expect(try WeightsFile.open(path).entries.map(\.name) == ["x"])
  }
}
