import Foundation
import TestSupport
import Testing

@testable import Artifacts

@Suite struct TensorBoardTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  /// RFC 3720, appendix B.4, and the usual check value.
  @Test func knownChecksums() {
    #expect(CRC32C.checksum(Array("123456789".utf8)) == 0xE306_9283)
    #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(CRC32C.checksum([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
    #expect(CRC32C.checksum([UInt8](0..<32)) == 0x46DD_794E)
    // The masked checksum of a length of 8 bytes, as leads every record of that size in the wild.
    #expect(CRC32C.masked([8, 0, 0, 0, 0, 0, 0, 0]) == unmaskedByHand([8, 0, 0, 0, 0, 0, 0, 0]))
  }

  private func unmaskedByHand(_ bytes: [UInt8]) -> UInt32 {
    let crc = UInt64(CRC32C.checksum(bytes))
    let rotated = (crc / (1 << 15)) + (crc % (1 << 15)) * (1 << 17)
    return UInt32((rotated + 0xa282_ead8) % (1 << 32))
  }

  /// TensorBoard reads files by their names: the clock may have been set back, or a resumption may be quick.
  @Test func laterFilesHaveLaterNames() throws {
    try folder.write(Data(), "events.out.tfevents.4000000000.host.1.ff")
    try folder.write(Data(), "events.out.tfevents.99999999999999999999.host.1.ff")
    let names = try (0..<2).map { _ in try TensorBoardWriter(folder: folder.path).path }
    #expect(names[0].hasPrefix(folder.file("events.out.tfevents.4000000001.")))
    #expect(names[1].hasPrefix(folder.file("events.out.tfevents.4000000002.")))
  }

  /// One field of a protobuf message.
  private struct Field: Equatable {
    var number: UInt64
    var integer: UInt64 = 0
    var bytes: [UInt8] = []
  }

  private func parse(_ message: [UInt8]) -> [Field] {
    var fields: [Field] = []
    var rest = message[...]
    func varint() -> UInt64 {
      var value: UInt64 = 0
      var shift: UInt64 = 0
      while let byte = rest.popFirst() {
        value |= UInt64(byte & 0x7F) << shift
        shift += 7
        if byte & 0x80 == 0 { break }
      }
      return value
    }
    func take(_ count: Int) -> [UInt8] {
      defer { rest = rest.dropFirst(count) }
      return Array(rest.prefix(count))
    }
    while !rest.isEmpty {
      let tag = varint()
      switch tag & 7 {
      case 0: fields.append(Field(number: tag >> 3, integer: varint()))
      case 1: fields.append(Field(number: tag >> 3, bytes: take(8)))
      case 5: fields.append(Field(number: tag >> 3, bytes: take(4)))
      default: fields.append(Field(number: tag >> 3, bytes: take(Int(varint()))))
      }
    }
    return fields
  }

  private func little(_ bytes: some Collection<UInt8>) -> UInt64 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  private func records(_ path: String) throws -> [[UInt8]] {
    var rest = Array(try contents(path))[...]
    var records: [[UInt8]] = []
    while !rest.isEmpty {
      let length = rest.prefix(8)
      #expect(little(rest.dropFirst(8).prefix(4)) == UInt64(CRC32C.masked(length)))
      let data = rest.dropFirst(12).prefix(Int(little(length)))
      #expect(little(rest.dropFirst(12 + data.count).prefix(4)) == UInt64(CRC32C.masked(data)))
      records.append(Array(data))
      rest = rest.dropFirst(16 + data.count)
    }
    return records
  }

  private func scalar(_ tag: String, _ value: Float) -> Field {
    let bits = withUnsafeBytes(of: value.bitPattern.littleEndian, Array.init)
    let name = Array(tag.utf8)
    return Field(number: 1, bytes: [0x0A, UInt8(name.count)] + name + [0x15] + bits)
  }

  @Test func eventsParseBack() throws {
    let writer = try TensorBoardWriter(folder: folder.path, resumingAt: 300)
    try writer.append(step: 300, values: [("loss/csd", 0.25), ("rate", 1e-4)])
    #expect(try folder.names().first?.hasPrefix("events.out.tfevents.") == true)

    let events = try records(writer.path).map(parse)
    try #require(events.count == 3)
    for event in events {
      let time = Double(bitPattern: little(event[0].bytes))
      #expect(event[0].number == 1 && abs(time - Date().timeIntervalSince1970) < 60)
    }
    #expect(events[0][1] == Field(number: 3, bytes: Array("brain.Event:2".utf8)))
    #expect(events[1][1...] == [Field(number: 2, integer: 300), Field(number: 7, bytes: [8, 1])])
    #expect(events[2][1] == Field(number: 2, integer: 300))
    #expect(parse(events[2][2].bytes) == [scalar("loss/csd", 0.25), scalar("rate", 1e-4)])
    #expect(events[2][2].number == 5)
  }

  @Test func picturesAndSettingsParseBack() throws {
    let writer = try TensorBoardWriter(folder: folder.path)
    try writer.append(step: 7, picture: "a/samples", width: 30, height: 20, encoded: Data([1, 2, 3]))
    try writer.append(settings: [("batch", "24"), ("data", "shapes32"), ("on", "true")])
    let events = try records(writer.path).map(parse)
    try #require(events.count == 3)
    #expect(events[1][1] == Field(number: 2, integer: 7))
    let value = parse(parse(events[1][2].bytes)[0].bytes)
    #expect(value[0] == Field(number: 1, bytes: Array("a/samples".utf8)) && value[1].number == 4)
    #expect(
      parse(value[1].bytes) == [
        Field(number: 1, integer: 20), Field(number: 2, integer: 30), Field(number: 3, integer: 3),
        Field(number: 4, bytes: [1, 2, 3]),
      ])
    let session = parse(parse(events[2][1].bytes)[0].bytes)
    #expect(session[0] == Field(number: 1, bytes: Array("_hparams_/session_start_info".utf8)) && session[1].number == 9)
    let plugin = parse(parse(session[1].bytes)[0].bytes)
    #expect(plugin[0] == Field(number: 1, bytes: Array("hparams".utf8)))
    let settings = parse(parse(plugin[1].bytes)[0].bytes).prefix(3).map { parse($0.bytes) }
    #expect(settings.map { String(decoding: $0[0].bytes, as: UTF8.self) } == ["batch", "data", "on"])
    let number = withUnsafeBytes(of: 24.0.bitPattern.littleEndian, Array.init)
    #expect(
      settings.map { parse($0[1].bytes) } == [
        [Field(number: 2, bytes: number)], [Field(number: 3, bytes: Array("shapes32".utf8))],
        [Field(number: 4, integer: 1)],
      ])
  }

  /// The `tensorboard` package itself reads scalars, pictures and settings, where it can be had.
  @Test(.enabled(if: Python.has("tensorboard"))) func tensorBoardReadsThem() throws {
    let writer = try TensorBoardWriter(folder: folder.path)
    try writer.append(settings: [("batch", "24"), ("data", "shapes32")])
    try writer.append(step: 3, values: [("a/fid", 0.5)])
    let picture = RGBImage(width: 3, height: 2, pixels: .init(repeating: 7, count: 18))
    try writer.append(step: 4, picture: "a/samples", width: 3, height: 2, encoded: picture.encodedPNG())
    let program = """
      import sys
      from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
      from tensorboard.plugins.hparams import plugin_data_pb2
      log = EventAccumulator(sys.argv[1], size_guidance={"images": 0}).Reload()
      print([(e.step, e.value) for e in log.Scalars("a/fid")])
      print([(e.step, e.width, e.height, len(e.encoded_image_string)) for e in log.Images("a/samples")])
      content = log.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
      start = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info
      print(sorted((k, v.number_value, v.string_value) for k, v in start.hparams.items()))
      """
    let output = try Python.run(["-c", program, folder.path]).output
    // What it says on stderr comes before.
    let lines = output.split(separator: "\n").suffix(3)
    #expect(
      lines == [
        "[(3, 0.5)]", "[(4, 3, 2, \(picture.encodedPNG().count))]",
        "[('batch', 24.0, ''), ('data', 0.0, 'shapes32')]",
      ])
  }

  @Test func nonFiniteValuesAreRefused() throws {
    let writer = try TensorBoardWriter(folder: folder.path)
    let before = try contents(writer.path)
    let error = artifactError { try writer.append(step: 1, values: [("a", 1), ("b", 1e300)]) }
    #expect(name(of: error) == "nonFinite")
    #expect(try contents(writer.path) == before)
  }
}
