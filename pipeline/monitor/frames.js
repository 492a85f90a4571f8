// Fetches each picture as soon as there is a new one, and greys what is old by this browser's own clock.
(() => {
  async function follow(figure) {
    const image = figure.querySelector("img");
    let number = 0, taken = 0;
    figure.isFollowed = true;
    figure.age = () => (taken ? performance.now() - taken : -1);
    while (figure.isConnected) {
      try {
        const answer = await fetch(`/frame/${figure.dataset.frame}?after=${number}`);
        if (answer.status === 200 && Number(answer.headers.get("x-number")) !== number) {
          number = Number(answer.headers.get("x-number"));
          const url = URL.createObjectURL(await answer.blob());
          image.onload = () => URL.revokeObjectURL(url);
          image.src = url;
          for (const end of ["low", "high"]) {
            const told = figure.querySelector(`.rb-${end}`);
            if (told) told.textContent = answer.headers.get(`x-${end}`);
          }
          taken = performance.now() - Number(answer.headers.get("x-age-ms"));
        } else if (answer.status !== 200) {
          await new Promise((wake) => setTimeout(wake, 500));
        }
      } catch {
        await new Promise((wake) => setTimeout(wake, 500));
      }
    }
    figure.isFollowed = false;  // its tab was left, and may be opened again
  }

  addEventListener("keydown", (key) => {  // the space bar plays a replay, and does not scroll
    if (key.key === " " && key.target === document.body && document.querySelector("[data-held]")) key.preventDefault();
  });

  addEventListener("click", (click) => {  // a button that was clicked leaves the keys to the page
    if (click.detail && click.target.closest(".rb-drive button, .rb-drive .q-slider")) document.activeElement.blur();
  });

  setInterval(() => {
    for (const figure of document.querySelectorAll("figure[data-frame]")) {
      if (!figure.isFollowed) follow(figure);
      const age = figure.age(), label = figure.querySelector(".rb-age");
      const isHeld = document.querySelector("[data-held=true]");  // a replay that waits is not old
      const isStale = age < 0 || (age > Number(figure.dataset.stale) && !isHeld);
      figure.classList.toggle("rb-stale", isStale);
      label.textContent = age < 0 ? "waiting" : isStale ? `${(age / 1000).toFixed(1)} s old` : "";
    }
  }, 100);
})();
