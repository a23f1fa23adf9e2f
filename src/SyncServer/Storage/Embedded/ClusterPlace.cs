using System.Buffers;
using System.Security.Cryptography;
using System.Text;

namespace SyncServer.Storage.Embedded;

/// <summary>
/// Where the cluster's files are. <see cref="Configured"/> is what the operator named; <see cref="Path"/> differs from it
/// only where the server is root and PostgreSQL's account cannot reach the configured directory (a clone under
/// <c>/root</c>, for example). The cluster then lives below <see cref="Elsewhere"/> and the configured path is a link to
/// it, so that removing the link begins anew and nobody's permissions are widened.
/// </summary>
internal sealed record ClusterPlace(string Configured, string Path)
{
    private const string Elsewhere = "/var/lib/syncserver";

    /// <summary>pg_ctl passes the path through a shell inside double quotes, where these have a meaning.</summary>
    private static readonly SearchValues<char> Unquotable = SearchValues.Create("\"$`\\\n\r");

    /// <summary>Hexadecimal digits that tell the clusters of different clones apart.</summary>
    private const int HashLength = 12;

    private const UnixFileMode Traversable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    public bool IsLinked => Configured != Path;

    /// <summary>The major version of the cluster that is there, or null.</summary>
    public int? Major => File.Exists(In("PG_VERSION")) ? int.Parse(File.ReadAllText(In("PG_VERSION")).Trim()) : null;

    public string In(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>What the configured path says, its link followed.</summary>
    public static ClusterPlace Of(string configured)
    {
        var full = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(configured));
        if (!OperatingSystem.IsWindows() && full.AsSpan().ContainsAny(Unquotable))
        {
            throw new EmbeddedPostgresException($"PostgreSQL cannot be given the path {full}: set Postgres:DataDirectory to one without quotes, $ or \\.");
        }
        if (new DirectoryInfo(full).LinkTarget is null)
        {
            return new ClusterPlace(full, full);
        }
        var target = new DirectoryInfo(full).ResolveLinkTarget(returnFinalTarget: true)!;
        return target.Exists
            ? new ClusterPlace(full, target.FullName)
            : throw new EmbeddedPostgresException(
                $"{full} is a link to {target.FullName}, which is not there. Bring it back, or delete the link to begin with an empty database.");
    }

    /// <summary>The same place, or the one elsewhere that a new cluster needs because the account cannot reach this one.</summary>
    public async Task<ClusterPlace> ReachableByAsync(Unprivileged account, CancellationToken ct)
    {
        if (OperatingSystem.IsWindows() || !account.DropsRoot || await account.CanEnterAsync(System.IO.Path.GetDirectoryName(Path)!, ct))
        {
            return this;
        }
        if (IsLinked || Major is not null)
        {
            throw new EmbeddedPostgresException(
                $"PostgreSQL does not run as root, and the account {account.Uid} cannot enter the directories above {Path}. " +
                "Move the cluster to a directory that it can enter and set Postgres:DataDirectory to it.");
        }
        Directory.CreateDirectory(Elsewhere);
        File.SetUnixFileMode(Elsewhere, Traversable);
        var name = $"{Hash(Path)}-{RandomNumberGenerator.GetHexString(HashLength, lowercase: true)}";
        return this with { Path = System.IO.Path.Combine(Elsewhere, name) };
    }

    /// <summary>
    /// Where a cluster is made before it is moved to <see cref="Path"/>: a sibling, so that the move is one rename, and
    /// always the same one, so that what an interrupted initdb left is found and removed.
    /// </summary>
    public string Staging => IsLinked ? System.IO.Path.Combine(Elsewhere, Hash(Configured) + ".new") : Path + ".new";

    /// <summary>Makes the finished cluster the one that the configured path names.</summary>
    public void Publish(string finished)
    {
        RemoveEmpty(Path);
        Directory.Move(finished, Path);
        if (IsLinked)
        {
            RemoveEmpty(Configured);
            Directory.CreateSymbolicLink(Configured, Path);
        }
    }

    public static string Hash(string path) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(path)))[..HashLength];

    private static void RemoveEmpty(string directory)
    {
        if (!Directory.Exists(directory))
        {
            return;
        }
        if (Directory.EnumerateFileSystemEntries(directory).Any())
        {
            throw new EmbeddedPostgresException($"{directory} is neither empty nor a PostgreSQL cluster: set Postgres:DataDirectory to another directory.");
        }
        Directory.Delete(directory);
    }
}
