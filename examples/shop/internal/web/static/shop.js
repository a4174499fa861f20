"use strict";

async function post(path, body) {
	const response = await fetch(path, { method: "POST", body: body && JSON.stringify(body) });
	if (!response.ok) alert((await response.json()).error);
	location.reload();
}

document.addEventListener("click", (event) => {
	if (event.target.dataset.add) post("/cart/items", { product: event.target.dataset.add });
	if (event.target.id === "order") post("/orders");
});

new EventSource("/events").addEventListener("stock", (event) => {
	const { product, level } = JSON.parse(event.data);
	const shown = document.querySelector(`[data-stock="${CSS.escape(product)}"]`);
	if (shown) shown.textContent = level;
});
