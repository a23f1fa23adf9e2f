using System.Runtime.InteropServices;

namespace SyncServer.Http;

/// <summary>How many of one kind of work each principal has under way at this server, which is never more than <paramref name="most"/>.</summary>
internal sealed class PrincipalPlaces(int most)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, int> _taken = new(StringComparer.Ordinal);

    /// <summary>A place, to be given back by disposing it once; null where the principal has all that it may have.</summary>
    public IDisposable? TryTake(string principal)
    {
        lock (_gate)
        {
            ref var taken = ref CollectionsMarshal.GetValueRefOrAddDefault(_taken, principal, out _);
            if (taken >= most)
            {
                return null;
            }

            taken++;
            return new Place(this, principal);
        }
    }

    private void Free(string principal)
    {
        lock (_gate)
        {
            if (--_taken[principal] == 0)
            {
                _taken.Remove(principal);
            }
        }
    }

    private sealed class Place(PrincipalPlaces places, string principal) : IDisposable
    {
        public void Dispose() => places.Free(principal);
    }
}
