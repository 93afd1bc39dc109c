import Artifacts
import NN
import Processes
import TensorCore

/// What a run's `config.json` holds: the settings, fully resolved, the command that gave them and what they ran on.
public struct RunRecord<Settings: Codable & Equatable & Sendable>: Codable, Sendable {
  /// The settings.
  public let settings: Settings
  /// The command that began the run with these settings: what its files record, however often it was resumed.
  public let command: String
  /// The program.
  public let createdBy: String
  /// Device, threads and BLAS core type.
  public let backend: String

  init(_ settings: Settings, command: String) {
    self.settings = settings
    self.command = command
    createdBy = DD2Version.description
    backend = Backends.current.summary
  }
}

extension RunDirectory {
  /// The settings that a run recorded, checked: its `config.json` may have been edited.
  /// - Throws: `ArtifactError` where there are none, or some that nothing can run with.
  public func recordedSettings<Settings: Codable & Equatable & Sendable & CheckedSettings>(
    as type: Settings.Type = Settings.self
  ) throws -> Settings {
    let record: RunRecord<Settings> = try config()
    try fitting(configPath) { try record.settings.check() }
    return record.settings
  }
}

/// A run's folder, open for its stage, with the command that its files record.
package struct OpenRun {
  package let directory: RunDirectory
  package let command: String
  /// What is not as when the run was last started, in one line.
  package let change: String?

  /// Opens the run in a folder, or makes it. A run that goes on with other settings, such as more steps, gets a new
  /// record. Of the processes of a job the first one does; the others need not see the folder.
  /// - Throws: `ArtifactError`.
  package init(_ path: String, settings: some Codable & Equatable & Sendable, command: String) throws {
    guard ProcessGroup.current.isFirst else {
      (directory, self.command, change) = (RunDirectory(path: path), command, nil)
      return
    }
    let fresh = RunRecord(settings, command: command)
    let start = RunStart(command: command)
    guard FileAccess.exists(path + "/config.json") else {
      directory = try RunDirectory.create(path, config: fresh)
      self.command = command
      change = try directory.record(start, after: nil)
      return
    }
    directory = try RunDirectory.open(path)
    for name in try FileAccess.names(in: path) where !FileAccess.isFolder(path + "/" + name) {
      try AtomicFile.requirePlace(for: path + "/" + name)
    }
    // A user may have removed old pictures: that must not end the run at its next one.
    try directory.makeFolders()
    let recorded = try Self.record(in: directory, of: settings)
    self.command = recorded.settings == settings ? recorded.command : command
    if recorded.settings != settings { try directory.writeConfig(fresh) }
    change = try directory.record(start, after: (recorded.createdBy, recorded.backend))
  }

  private static func record<Settings>(in directory: RunDirectory, of: Settings) throws -> RunRecord<Settings> {
    try directory.config()
  }
}
