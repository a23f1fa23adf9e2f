using System.Security.Cryptography;
using SyncServer.Core.Push;

namespace SyncServer.Storage;

/// <summary>Where the random values of plans come from.</summary>
internal static class Seeds
{
    /// <summary>Drawn anew each time, so that nothing goes on from one reading of the database to the next.</summary>
    public static Entropy New() => new(BitConverter.ToInt64(RandomNumberGenerator.GetBytes(sizeof(long))));
}
