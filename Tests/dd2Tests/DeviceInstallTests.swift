import Artifacts
import Foundation
import TestSupport
import Testing

/// `dd2 device install` against a server on this machine.
@Suite struct DeviceInstallTests {
  private let folder: TemporaryFolder
  private let dd2: Command

  init() throws {
    folder = try TemporaryFolder()
    dd2 = Command(folder: folder)
  }

  private static func wheel(_ name: String, _ bytes: Int) -> [UInt8] {
    let content = (0..<bytes).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 7) }
    return ZipBytes(entries: [
      .init(name: name, content: content), .init(name: "\(name).dist-info/RECORD", content: []),
    ])
    .bytes
  }

  private static let plugin = wheel("jax_plugins/xla_cuda13/xla_cuda_plugin.so", 200_000)
  private static let library = wheel("nvidia/cu13/lib/libx.so", 300_000)

  /// Installs from a server each for the library and the plugin.
  private func install(
    library: LoopbackServer.Behaviour, plugin: LoopbackServer.Behaviour, options: [String] = [],
    whileRunning: (Process) throws -> Void = { _ in }
  ) throws -> Command.Outcome {
    let servers = try [library, plugin].map { try LoopbackServer($0) }
    defer { for server in servers { server.close() } }
    let hashes = try [Self.library, Self.plugin].map { bytes in
      try folder.write(Data(bytes), "truth")
      return try WeightsManifest.sha256(ofFile: folder.file("truth"))
    }
    let entries = [("library", "library.whl"), ("plugin", "plugin.whl")].enumerated().map { index, names in
      [
        "name": names.0, "family": "x", "kind": names.0, "layout": "wheel", "license": "MIT", "sha256": hashes[index],
        "urls": [servers[index].url.replacing("file.bin", with: names.1)],
      ] as [String: Any]
    }
    try folder.write(JSONSerialization.data(withJSONObject: entries), "m.json")
    return try dd2(
      ["device", "install", "x", "--manifest", "m.json"] + options,
      environment: ["no_proxy": "127.0.0.1", "XDG_DATA_HOME": folder.file("data"), "DD2_PJRT_PLUGIN": ""],
      whileRunning: whileRunning)
  }

  private var plugins: String { folder.file("data/dd2/plugins") }
  private static let file = "/x/jax_plugins/xla_cuda13/xla_cuda_plugin.so"

  @Test func aPluginComesWithItsLibraries() throws {
    let options = [["--compile-only"], []]
    for (options, isWhole) in zip(options, [false, true]) {
      let outcome = try install(library: .init(body: Self.library), plugin: .init(body: Self.plugin), options: options)
      #expect(outcome.status == 0 && outcome.output == plugins + "/x\n", "\(outcome.log)")
      #expect(FileAccess.exists(plugins + Self.file))
      #expect(FileAccess.exists(plugins + "/x/nvidia/cu13/lib/libx.so") == isWhole)
      #expect(try FileAccess.names(in: plugins) == ["x"])
    }
    let again = try install(library: .init(), plugin: .init())
    #expect(again.status == 0 && again.log.contains("there already"), "\(again.log)")
  }

  @Test func whatIsInterruptedLeavesNoPluginAndGoesOn() throws {
    let outcome = try install(
      library: .init(body: Self.library), plugin: .init(body: Self.plugin, slice: 1000)
    ) { process in
      while process.isRunning, !FileAccess.exists(plugins + "/.x.part/plugin.whl.part") { usleep(10_000) }
      usleep(200_000)
      process.terminate()
    }
    #expect(outcome.status == 130 && outcome.log.contains("run the command again"), "\(outcome.log)")
    #expect(try FileAccess.names(in: plugins) == [".x.part"])
    // The library is not fetched again.
    let again = try install(library: .init(status: "404 Not Found"), plugin: .init(body: Self.plugin))
    #expect(again.status == 0, "\(again.log)")
    #expect(FileAccess.exists(plugins + Self.file) && FileAccess.exists(plugins + "/x/nvidia/cu13/lib/libx.so"))
  }

  @Test func aWrongWheelIsRefused() throws {
    let outcome = try install(library: .init(body: Self.plugin), plugin: .init(body: Self.plugin))
    #expect(outcome.status == 65 && outcome.log.contains("is expected"), "\(outcome.log)")
    #expect(!FileAccess.exists(plugins + "/x"))
  }

  @Test func anUnknownNameIsAnswered() throws {
    try dd2.expectFailure(
      ["device", "install", "gpu"], status: 64, saying: ["cpu, cuda13, cuda12, rocm7, tpu"],
      models: Command.bundledModels)
  }
}
