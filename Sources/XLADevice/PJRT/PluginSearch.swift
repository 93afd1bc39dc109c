import Foundation

/// Kinds of devices that there are plugins for.
public enum PluginKind: String, CaseIterable, Sendable {
  /// This machine's processors, through XLA.
  case cpu
  /// NVIDIA's GPUs.
  case cuda
  /// AMD's GPUs.
  case rocm
  /// Google's TPUs.
  case tpu

  /// Where packages put the plugin, below a folder of packages: patterns as of glob(3).
  fileprivate var patterns: [String] {
    switch self {
    case .cpu: ["lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so", "xla_plugins/*cpu*/*.so", "jax_plugins/*cpu*/*.so"]
    case .cuda: ["jax_plugins/xla_cuda*/*.so"]
    case .rocm: ["jax_plugins/xla_rocm*/*.so"]
    case .tpu: ["libtpu/libtpu.so", "jax_plugins/*tpu*/*.so"]
    }
  }

  /// What `dd2 device install` calls the plugin; of several the newest.
  fileprivate var installed: String {
    switch self {
    case .cpu: "cpu"
    case .cuda: "cuda13"
    case .rocm: "rocm7"
    case .tpu: "tpu"
    }
  }
}

/// Looks for plugins: in `DD2_PJRT_PLUGIN`, the path of one; in dd2's folder of plugins; among the packages of the Python on
/// PATH. The first that has one counts.
public struct PluginSearch: Sendable {
  /// The variable that names a plugin's file.
  public static let variable = "DD2_PJRT_PLUGIN"

  private let environment: [String: String]

  /// A search in an environment.
  public init(environment: [String: String] = ProcessInfo.processInfo.environment) { self.environment = environment }

  /// The path of the plugin of a kind. What `DD2_PJRT_PLUGIN` names is of any kind, and need not exist.
  /// - Throws: `PJRTError.noPlugin`.
  public func path(of kind: PluginKind) throws(PJRTError) -> String {
    if let path = set(Self.variable) { return path }
    if let folder, let path = Self.plugin(kind, matching: Self.escaped(folder) + "/*") { return path }
    for folder in pythonFolders() {
      if let path = Self.plugin(kind, matching: Self.escaped(folder)) { return path }
    }
    throw .noPlugin(
      kind: kind,
      remedy: "run 'dd2 device install \(kind.installed)', or set \(Self.variable) to the path of a plugin")
  }

  /// dd2's folder of plugins, which holds folders of Python packages; nil where no home folder is known.
  public var folder: String? {
    if let data = set("XDG_DATA_HOME"), data.hasPrefix("/") { return data + "/dd2/plugins" }
    return set("HOME").map { $0 + "/.local/share/dd2/plugins" }
  }

  private func set(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }

  private static func plugin(_ kind: PluginKind, matching folders: String) -> String? {
    // Of several versions the highest comes last.
    kind.patterns.lazy.compactMap { paths(folders + "/" + $0).last }.first
  }

  /// What fits a pattern, sorted by name.
  private static func paths(_ pattern: String) -> [String] {
    var found = glob_t()
    defer { globfree(&found) }
    guard glob(pattern, 0, nil, &found) == 0 else { return [] }
    return UnsafeBufferPointer(start: found.gl_pathv, count: Int(found.gl_pathc)).compactMap { path in
      path.map { String(cString: $0) }
    }
  }

  /// A path as a pattern that fits nothing else.
  private static func escaped(_ path: String) -> String {
    path.reduce(into: "") { result, character in
      if "*?[]\\".contains(character) { result.append("\\") }
      result.append(character)
    }
  }

  /// Where the Python on PATH looks for packages; empty where there is none. Asked, because PATH may name a script that
  /// chooses one of several.
  private func pythonFolders() -> [String] {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", "-c", "import sys; print('\\n'.join(sys.path))"]
    process.environment = environment
    let output = Pipe()
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return [] }
    let text = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init).filter { $0.hasPrefix("/") }
  }
}
