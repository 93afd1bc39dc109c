import Artifacts
import Foundation
import TestSupport
import Testing

/// `dd2 weights fetch` against a server on this machine.
@Suite struct WeightsFetchTests {
  private let folder: TemporaryFolder
  private let dd2: Command
  private static let body = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 7) }

  init() throws {
    folder = try TemporaryFolder()
    dd2 = Command(folder: folder)
  }

  private var hash: String {
    get throws {
      try folder.write(Data(Self.body), "truth")
      return try WeightsManifest.sha256(ofFile: folder.file("truth"))
    }
  }

  /// Writes the manifest and fetches its only entry.
  private func fetch(
    _ urls: [String], bytes: Int? = nil, payload: Int? = nil, sha256: String? = nil, unconfirmed: Bool? = nil,
    options: [String] = [], whileRunning: (Process) throws -> Void = { _ in }
  ) throws -> Command.Outcome {
    let entry: [String: Any?] = [
      "name": "x", "family": "var", "kind": "transformer", "urls": urls, "bytes": bytes, "sha256": sha256,
      "license": "MIT", "layout": "pytorch-zip", "payload_bytes": payload, "sha256_unconfirmed": unconfirmed,
    ]
    try folder.write(JSONSerialization.data(withJSONObject: [entry.compactMapValues { $0 }]), "m.json")
    return try dd2(
      ["weights", "fetch", "x", "--manifest", "m.json"] + options, environment: ["no_proxy": "127.0.0.1"],
      whileRunning: whileRunning)
  }

  private func served(_ behaviour: LoopbackServer.Behaviour, _ body: (LoopbackServer) throws -> Void) throws {
    let server = try LoopbackServer(behaviour)
    defer { server.close() }
    try body(server)
  }

  /// A failure in one line that leaves no finished file.
  private func expectFailure(_ outcome: Command.Outcome, _ status: Int32, _ parts: String...) {
    #expect(outcome.status == status, "\(outcome.log)")
    #expect(outcome.output.isEmpty)
    for part in parts { #expect(outcome.logLines.last?.contains(part) == true, "\(outcome.log)") }
    #expect(!FileManager.default.fileExists(atPath: folder.file("weights/file.bin")))
  }

  private func part() -> [UInt8]? {
    (try? folder.contents("weights/file.bin.part")).map { Array($0) }
  }

  private func expectFetched(_ outcome: Command.Outcome, _ said: String) throws {
    #expect(outcome.status == 0, "\(outcome.log)")
    #expect(outcome.output.hasSuffix("weights/file.bin\n"))
    #expect(outcome.log.contains(said), "\(outcome.log)")
    #expect(try Array(folder.contents("weights/file.bin")) == Self.body)
    #expect(part() == nil)
  }

  @Test func fetchesAndComparesHashes() throws {
    try served(.init(body: Self.body)) { server in
      try expectFetched(
        try fetch([server.url], bytes: Self.body.count, sha256: try hash), "sha256 \(try hash) as expected")
      #expect(try folder.names(in: "weights") == ["file.bin"])
      try expectFetched(try fetch([server.url], sha256: try hash), "there already")
      #expect(server.requestedStarts == [0])
      // A file that has changed is neither used nor replaced.
      try folder.write("x", to: "weights/file.bin")
      let outcome = try fetch([server.url], sha256: try hash)
      #expect(outcome.status == 65 && outcome.log.contains("file.bin: damaged file"))
    }
  }

  @Test func recordsTheHashThatNobodyPublishes() throws {
    try served(.init(body: Self.body)) { server in
      try expectFetched(try fetch([server.url]), "no confirmed hash is published; sha256 \(try hash) is recorded")
      #expect(try folder.names(in: "weights") == ["file.bin", "file.bin.fetched.json"])
      let verify = ["weights", "verify", "x", "--manifest", "m.json"]
      #expect(try dd2(verify).status == 0)
      try FileManager.default.removeItem(atPath: folder.file("weights/file.bin"))
    }
    var other = Self.body
    other[7] ^= 1
    try served(.init(body: other)) { server in
      expectFailure(try fetch([server.url]), 65, "where \(try hash) is expected")
      #expect(part() == nil)
    }
  }

  @Test func refusesWrongContents() throws {
    try served(.init(body: Self.body)) { server in
      let wrong = String(repeating: "0", count: 64)
      expectFailure(try fetch([server.url], sha256: wrong), 65, "where \(wrong) is expected")
      #expect(part() == nil)
      expectFailure(try fetch([server.url], bytes: Self.body.count - 1), 65, "300000 bytes where 299999")
      #expect(part() == nil)
      // A record that is not confirmed may be wrong: the download is kept for the one who knows.
      expectFailure(
        try fetch([server.url], sha256: wrong, unconfirmed: true), 69, "an unconfirmed record", "--accept-unconfirmed")
      #expect(part() == Self.body)
      try expectFetched(
        try fetch([server.url], sha256: wrong, unconfirmed: true, options: ["--accept-unconfirmed"]), "is recorded")
    }
    try FileManager.default.removeItem(atPath: folder.file("weights"))
    let page = Array("<!DOCTYPE html>\n<html><body>Sign in</body></html>".utf8)
    for type in ["text/html; charset=utf-8", "application/octet-stream"] {
      try served(.init(type: type, body: page)) { server in
        expectFailure(try fetch([server.url]), 65, "an HTML page came instead of the file")
        #expect(part() == nil)
      }
    }
    try served(.init(status: "404 Not Found", body: page)) { server in
      expectFailure(try fetch([server.url]), 69, "404", "check the address")
    }
  }

  @Test func continuesWhatWasCutShort() throws {
    try served(.init(body: Self.body, firstAnswerBytes: 100_000)) { server in
      expectFailure(
        try fetch([server.url], sha256: try hash), 69, "ended after 100000 bytes", "run again to continue")
      #expect(part() == Array(Self.body[..<100_000]))
      try expectFetched(try fetch([server.url], sha256: try hash), "continuing after 100000 bytes")
      #expect(server.requestedStarts == [0, 100_000])
    }
    // Without a length nothing but the manifest shows that something is missing.
    try FileManager.default.removeItem(atPath: folder.file("weights"))
    try served(.init(body: Self.body, firstAnswerBytes: 100_000, saysLength: false)) { server in
      expectFailure(try fetch([server.url], payload: 299_000), 69, "at least 299000 are expected")
      try expectFetched(try fetch([server.url], payload: 299_000), "is recorded")
    }
  }

  @Test func startsOverWhereTheServerCannotContinue() throws {
    try served(.init(body: Self.body, knowsRanges: false, firstAnswerBytes: 100_000)) { server in
      expectFailure(try fetch([server.url], sha256: try hash), 69, "run again to continue")
      try expectFetched(try fetch([server.url], sha256: try hash), "cannot continue a download: from the beginning")
      #expect(server.requestedStarts == [0, 100_000, 0])
    }
  }

  @Test func takesTheNextAddress() throws {
    try served(.init(status: "503 Service Unavailable")) { broken in
      try served(.init(body: Self.body)) { sound in
        try expectFetched(try fetch([broken.url, sound.url], sha256: try hash), "503")
      }
    }
  }

  @Test func keepsThePartWhenInterrupted() throws {
    try served(.init(body: Self.body, slice: 1000)) { server in
      let outcome = try fetch([server.url], sha256: try hash) { process in
        while process.isRunning, (part()?.count ?? 0) < 10_000 { usleep(10_000) }
        process.terminate()
      }
      expectFailure(outcome, 130, "what came is in", "file.bin.part; run the command again")
      let kept = try #require(part())
      #expect(kept.count >= 10_000 && kept == Array(Self.body[..<kept.count]))
    }
    try served(.init(body: Self.body)) { server in
      try expectFetched(try fetch([server.url], sha256: try hash), "continuing after")
    }
  }

  @Test func bundledAndUnknownNames() throws {
    expectFailure(try fetch([]), 64, "x: comes with dd2")
    try dd2.expectFailure(
      ["weights", "fetch", "y", "--manifest", "m.json"], status: 64, saying: ["no entry named y"])
  }
}
