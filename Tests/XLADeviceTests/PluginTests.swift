import Foundation
import Testing

@testable import XLADevice

@Suite struct PluginTests {
  @Test func aMissingFileIsAnErrorOfOneLine() throws {
    let error = try #require(failure { _ = try PJRTPlugin(path: "/nowhere/plugin.so") })
    #expect(error.description.hasPrefix("/nowhere/plugin.so: cannot be opened as a device plugin (cannot open"))
    #expect(error.isOneLine && error.exitCode == 69)
  }

  @Test func aFileThatIsNoLibraryIsAnError() throws {
    let error = try #require(failure { _ = try PJRTPlugin(path: "/etc/passwd") })
    #expect(error.isOneLine && error.description.contains("cannot be opened as a device plugin"))
  }

  @Test func aLibraryThatIsNoPluginIsAnError() throws {
    let error = try #require(failure { _ = try PJRTPlugin(path: "libz.so.1") })
    #expect(
      error
        == .cannotOpen(path: "libz.so.1", detail: "no PJRT plugin: it has no function GetPjrtApi"))
  }

  @Test(.enabled(if: CPUPlugin.isFound, "no plugin for processors: dd2 device install cpu"))
  func aPluginTellsWhatItIs() throws {
    let plugin = try CPUPlugin.open()
    #expect(plugin.apiVersion.major == 0 && plugin.apiVersion.minor >= 81)
    guard case .integers(let version) = try plugin.attributes["stablehlo_current_version"] else {
      Issue.record("no version of StableHLO in \(try plugin.attributes)")
      return
    }
    #expect(version.count == 3 && version[0] >= 1)
    let client = try CPUPlugin.client()
    #expect(client.platformName == "cpu")
    #expect(!client.platformVersion.isEmpty)
    #expect(client.devices.first?.id == 0)
    #expect(client.devices.allSatisfy { !$0.kind.isEmpty })
    // Processors keep no count of it; what a GPU says is a number.
    if let memory = try client.memory(of: client.devices[0]) { #expect(memory.inUse >= 0) }
  }

  @Test func compileOptionsAreTheProtocolBuffer() {
    // Field by field, after compile_options.proto: 3 { 1: -1, 4: 1, 5: 1 }, then the assignment and the overrides.
    let minus = [UInt8](repeating: 0xFF, count: 9) + [1]
    #expect(CompileOptions().serialized == [0x1A, 15, 0x08] + minus + [0x20, 1, 0x28, 1])
    let assignment: [UInt8] = [0x4A, 8, 0x08, 1, 0x10, 1, 0x1A, 2, 0x08, 3]
    #expect(CompileOptions(device: 3).serialized == [0x1A, 16, 0x08, 3, 0x20, 1, 0x28, 1] + assignment)
    let options = CompileOptions(replicas: 300, overrides: ["b": .flag(false), "a": .text("x"), "c": .integer(5)])
    #expect(
      options.serialized
        == [0x1A, 16, 0x08] + minus + [0x20, 0xAC, 2, 0x28, 1] + [0x3A, 8, 0x0A, 1, 0x61, 0x12, 3, 0x0A, 1, 0x78]
        + [0x3A, 7, 0x0A, 1, 0x62, 0x12, 2, 0x10, 0] + [0x3A, 7, 0x0A, 1, 0x63, 0x12, 2, 0x18, 5])
  }

  @Test(.enabled(if: CPUPlugin.isFound, "no plugin for processors: dd2 device install cpu"))
  func overridesReachTheCompiler() throws {
    let client = try CPUPlugin.client()
    let program = Program.binary("add", "4xf32")
    _ = try client.compile(
      program, options: CompileOptions(overrides: ["xla_llvm_disable_expensive_passes": .flag(true)]))
    let error = failure {
      _ = try client.compile(program, options: CompileOptions(overrides: ["xla_no_such_option": .flag(true)]))
    }
    #expect(error?.description.contains("xla_no_such_option") == true)
  }
}

@Suite struct PluginSearchTests {
  /// A folder of packages of its own, removed in the end.
  private func withFolder(_ files: [String], _ body: (String) throws -> Void) throws {
    // The brackets are no pattern.
    let folder = NSTemporaryDirectory() + "dd2-plugins-[x]-\(UUID())"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for file in files {
      let path = folder + "/dd2/plugins/x/" + file
      try FileManager.default.createDirectory(
        atPath: String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)]), withIntermediateDirectories: true)
      try Data().write(to: URL(fileURLWithPath: path))
    }
    try body(folder)
  }

  @Test func theVariableComesFirst() throws {
    let search = PluginSearch(environment: ["DD2_PJRT_PLUGIN": "/x/y.so", "HOME": "/nowhere"])
    for kind in PluginKind.allCases { #expect(try search.path(of: kind) == "/x/y.so") }
  }

  @Test func theFolderIsSearchedByKind() throws {
    let files = [
      "jax_plugins/xla_cuda12/xla_cuda_plugin.so", "jax_plugins/xla_cuda13/xla_cuda_plugin.so",
      "jax_plugins/xla_rocm7/xla_rocm_plugin.so", "libtpu/libtpu.so", "lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so",
      "jax_plugins/xla_cuda13/version.py",
    ]
    try withFolder(files) { data in
      let search = PluginSearch(environment: ["XDG_DATA_HOME": data, "HOME": data, "PATH": data])
      let folder = data + "/dd2/plugins/x/"
      #expect(search.folder == data + "/dd2/plugins")
      let found = try [PluginKind.cuda, .rocm, .tpu, .cpu].map { kind in try search.path(of: kind) }
      #expect(found == files[1...4].map { folder + $0 })
    }
  }

  @Test func packagesOfThePythonOnPathAreFound() throws {
    try withFolder(["xla_plugins/xla_cpu_pjrt/xla_cpu_pjrt.so"]) { data in
      let packages = data + "/dd2/plugins/x"
      let python = data + "/python3"
      try Data("#!/bin/sh\necho\necho '\(data)'\necho '\(packages)'\n".utf8).write(to: URL(fileURLWithPath: python))
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: python)
      let search = PluginSearch(environment: ["HOME": data, "PATH": data + ":/bin"])
      let found = try search.path(of: .cpu)
      #expect(found == packages + "/xla_plugins/xla_cpu_pjrt/xla_cpu_pjrt.so")
      #expect(failure { _ = try search.path(of: .cuda) } != nil)
    }
  }

  @Test func whatIsMissingIsSaidInOneLine() {
    let search = PluginSearch(environment: ["HOME": "/nowhere", "PATH": "/nowhere"])
    #expect(search.folder == "/nowhere/.local/share/dd2/plugins")
    let error = failure { _ = try search.path(of: .cuda) }
    #expect(
      error?.description
        == "no plugin for cuda found; run 'dd2 device install cuda13', or set DD2_PJRT_PLUGIN to the path of a plugin"
    )
    #expect(error?.exitCode == 69)
  }
}
