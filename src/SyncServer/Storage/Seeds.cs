using System.Security.Cryptography;
using SyncServer.Core.Push;

namespace SyncServer.Storage;

/// <summary>Where the random values of plans come from.</summary>
internal static class Seeds
{
    /// <summary>Drawn from the operating system, so that no two processes have the same values, copies of one virtual machine neither.</summary>
    public static Entropy New() => new(BitConverter.ToInt64(RandomNumberGenerator.GetBytes(sizeof(long))));
}
